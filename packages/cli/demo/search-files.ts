import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { countIn } from './needles.ts'

export interface Searched {
  /** Octets looked at. */
  readonly octets: number
  /** Places where a needle was. */
  readonly found: number
}

/** Every regular file under a folder: database, write-ahead log, event log, keys. */
export function searchFiles(folder: string, needles: readonly Buffer[]): Searched {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce<Searched>(
    (sum, { parentPath, name }) => {
      const content = readFileSync(join(parentPath, name))
      return { octets: sum.octets + content.length, found: sum.found + countIn(content, needles) }
    },
    { octets: 0, found: 0 },
  )
}
