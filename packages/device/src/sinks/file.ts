import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { DeviceError } from '../errors.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { equal } from '../keys/octets.ts'
import { MAX_KEY_FILE_OCTETS, readKeyFile } from '../keys/read-key-file.ts'
import { writeKeyFile } from '../keys/write-key-file.ts'
import type { OutgoingKey, Sink } from './sink.ts'

/** A file of mode 0600, whole or not at all, never in the place of another unless forced. */
export const fileSink: Sink = {
  put(key, { path, format = 'auto', force = false }) {
    if (path === undefined) throw new TypeError('a file needs a path')
    const full = resolve(path)
    if (!force && fileHolds(full, key)) return full
    const content = writeKeyFile(key.type, key.octets, format, key.label)
    try {
      writeFileAtomically(full, content, force ? 'replace' : 'fail')
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error
      const hint = isFolder(full)
        ? 'that is a folder: name a file in it'
        : 'choose another name, or replace it: --force'
      throw new DeviceError(error.code, hint, { cause: error })
    } finally {
      content.fill(0)
    }
    return full
  },
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Whether the file is there and is this key already, private as it should be. Its form and comment do not matter. */
export function fileHolds(path: string, { type, octets }: Pick<OutgoingKey, 'type' | 'octets'>): boolean {
  if (!existsSync(path)) return false
  const found = lstatSync(path)
  const isPrivate = process.platform === 'win32' || (found.mode & 0o077) === 0
  if (!found.isFile() || !isPrivate || found.size > MAX_KEY_FILE_OCTETS) return false
  const file = readFileSync(path)
  try {
    const held = readKeyFile(file, { type }).octets
    const same = equal(held, octets)
    held.fill(0)
    return same
  } catch {
    return false
  } finally {
    file.fill(0)
  }
}
