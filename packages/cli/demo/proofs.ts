import { join } from 'node:path'
import type { ServerProcess } from './child.ts'
import { needlesOf } from './needles.ts'
import type { Places } from './places.ts'
import { searchFiles } from './search-files.ts'
import { searchMemory } from './search-memory.ts'
import { compareKeys, secretOf } from './ssh.ts'
import { more, must } from './timeline.ts'

/** Both sides have the same key. */
export function proveSameKey(original: string, copies: Readonly<Record<string, string>>): void {
  for (const [who, path] of Object.entries(copies)) {
    const { equal, how } = compareKeys(original, path)
    must(equal, `${who} has another key`)
    more(`same key on ${who}?   ${how}`)
  }
}

/** The secret is nowhere at the server: not in its files, nor its log of events, nor, where the system shows it, its memory. */
export function proveServerIsBlind(places: Places, server: ServerProcess, keyFile: string, known: string): void {
  const needles = needlesOf(secretOf(keyFile))
  const folder = join(places.server, '..')
  const files = searchFiles(folder, needles)
  must(files.found === 0, "the secret is in the server's files")
  must(searchFiles(folder, [Buffer.from(known)]).found > 0, 'the search of files finds nothing at all')
  const memory = searchMemory(server.pid, needles)
  more(`secret in the server's files and logs?   searched ${size(files.octets)}: not found`)
  if (memory === null) {
    more("secret in the server's memory?   this system shows no memory of other processes: not searched")
    return
  }
  must(memory.found === 0, "the secret is in the server's memory")
  // The search is worth something only if it finds what is there.
  const control = searchMemory(server.pid, [Buffer.from(known)])
  must((control?.found ?? 0) > 0, 'the search of memory finds nothing at all')
  more(
    `secret in the server's memory?   searched ${size(memory.octets)}: not found (its own origin, to try the search: found)`,
  )
}

function size(octets: number): string {
  return `${(octets / 1_000_000).toFixed(octets < 10_000_000 ? 1 : 0)} MB`
}
