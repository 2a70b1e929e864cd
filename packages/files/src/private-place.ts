import { lstatSync } from 'node:fs'

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
