import { lstatSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSystemError } from './errors.ts'

/** Why a place is not private: it is a link or somebody else's, or others can read or change it, which `chmod` to that mode ends. */
export type Exposure = { readonly kind: 'foreign' } | { readonly kind: 'open'; readonly chmod: '600' | '700' }

/**
 * What is wrong with a file or folder that only its owner should read and change; null if nothing. As ssh does, this repairs nothing:
 * keys that were readable for a while are a thing that their owner has to know. Windows has no such bits; its profile folders are private
 * by default.
 */
export function exposureOf(path: string): Exposure | null {
  if (process.platform === 'win32') return null
  const found = lstatSync(path)
  const mine = process.getuid === undefined || found.uid === process.getuid()
  if (found.isSymbolicLink() || !mine) return { kind: 'foreign' }
  if ((found.mode & 0o077) === 0) return null
  return { kind: 'open', chmod: found.isDirectory() ? '700' : '600' }
}

/**
 * Makes a folder that only its owner can enter (0700), and those that lead to it. One that is there stays as it is.
 * @throws The system's error. (`mkdir` with `recursive` says of a read-only disk that something is not there.)
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (isSystemError(error, 'EEXIST') && statSync(path).isDirectory()) return
    const parent = dirname(path)
    if (!isSystemError(error, 'ENOENT') || parent === path) throw error
    makeFolder(parent)
    mkdirSync(path, { mode: 0o700 })
  }
}
