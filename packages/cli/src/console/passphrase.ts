import { readFileSync, statSync } from 'node:fs'
import { CliError } from './cli-error.ts'
import type { Prompts } from './prompts.ts'

export interface PassphraseSources {
  /** `--passphrase-file` or KEYFERRY_PASSPHRASE_FILE; null: neither. */
  readonly file: string | null
  readonly prompts: Prompts
  readonly warn: (text: string) => void
}

const INSTEAD = '--passphrase-file FILE (or KEYFERRY_PASSPHRASE_FILE)'
const MAX_OCTETS = 4096

/** The passphrase of a profile that has one: octets, to be filled with zeros by whoever gets them. */
export async function readPassphrase({ file, prompts, warn }: PassphraseSources): Promise<Uint8Array> {
  if (file !== null) return readFile(file, warn)
  return new TextEncoder().encode(await prompts.secret('Passphrase for this device’s keys', INSTEAD))
}

/**
 * The passphrase of a new profile, asked twice. `null`: none, so that file permissions protect the keys.
 * @param none - `--no-passphrase` was given.
 */
export async function choosePassphrase(sources: PassphraseSources, none: boolean): Promise<Uint8Array | null> {
  if (none) return null
  if (sources.file !== null) return readFile(sources.file, sources.warn)
  const instead = `${INSTEAD}, or --no-passphrase`
  const question = 'Passphrase for this device’s keys (empty: protected by file permissions only)'
  const first = await sources.prompts.secret(question, instead)
  if (first === '') return null
  const second = await sources.prompts.secret('The same once more', instead)
  if (second !== first) throw new CliError('wrong-use', 'the two are not the same', { hint: 'run it again' })
  return new TextEncoder().encode(first)
}

/** One line end at the end does not belong to the passphrase. */
function readFile(path: string, warn: (text: string) => void): Uint8Array {
  const stat = statSync(path)
  if (stat.isFile() && process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    warn(`others can read ${path}: chmod 600`)
  const octets = readFileSync(path)
  const end = octets.at(-1) === 0x0a ? (octets.at(-2) === 0x0d ? 2 : 1) : 0
  const passphrase = octets.subarray(0, octets.length - end)
  if (passphrase.length === 0 || passphrase.length > MAX_OCTETS) {
    throw new CliError('wrong-use', 'the passphrase file is empty or too long', {
      hint: `1 to ${MAX_OCTETS} octets, one line`,
    })
  }
  return passphrase
}
