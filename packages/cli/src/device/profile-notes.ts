import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '@keyferry/device'

/** Small files of this command beside what the device itself keeps: names, places. Losing one costs comfort, not safety. */
export type NotesFile = 'device-names.json' | 'install-rules.json'

export function readNotes(folder: string, file: NotesFile): ReadonlyMap<string, string> {
  try {
    const json: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    return new Map(
      Object.entries(json ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return new Map()
  }
}

/** @param value - null removes it. */
export function writeNote(folder: string, file: NotesFile, name: string, value: string | null): void {
  const notes = new Map(readNotes(folder, file))
  if (value === null) notes.delete(name)
  else notes.set(name, value)
  const text = `${JSON.stringify(Object.fromEntries(notes), null, 1)}\n`
  writeFileAtomically(join(folder, file), new TextEncoder().encode(text), 'replace')
}
