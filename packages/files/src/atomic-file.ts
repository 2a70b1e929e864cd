import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isSystemError } from './errors.ts'

/** What to do if there is a file of that name: leave it and fail, or put the new one in its place. */
export type IfExists = 'fail' | 'replace'

/**
 * Writes a file that only its owner can read (0600): whole or not at all, durable when it returns, even if the power fails.
 * Never follows a link at `path` to somewhere else: the link itself is what exists, or what is replaced.
 *
 * @throws The system's error, whose `path` is the place that is wrong; `EEXIST` if the name is taken. Nothing was changed then.
 */
export function writeFileAtomically(path: string, octets: Uint8Array, ifExists: IfExists): void {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(8).toString('hex')}`)
  try {
    writeAndSync(temporary, octets)
    // link() is what fails when the name is taken; rename() would silently replace it.
    if (ifExists === 'fail') linkSync(temporary, path)
    else renameSync(temporary, path)
  } catch (error) {
    throw about(isSystemError(error, 'ENOENT') ? folder : path, error)
  } finally {
    if (existsSync(temporary)) rmSync(temporary, { force: true })
  }
  syncFolder(folder)
}

/** The octets of a file, or null if there is none. */
export function readFileIfThere(path: string): Buffer<ArrayBuffer> | null {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    throw error
  }
}

/** Makes names in a folder durable (a new file, a rename). Windows has no such call: its file system journals names itself. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Nobody knows the temporary file: what is wrong is the folder that is not there, or the place. */
function about(path: string, error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? Object.assign(error, { path }) : error
}

function writeAndSync(path: string, octets: Uint8Array): void {
  const file = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
  try {
    let at = 0
    while (at < octets.length) at += writeSync(file, octets, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
