import { readFileSync, statSync } from 'node:fs'
import { CliError } from './cli-error.ts'
import type { Prompts } from './prompts.ts'

export interface PassphraseSources {
  /** A file with the passphrase, if one was named. */
  readonly file: string | null
  readonly prompts: Prompts
  readonly warn: (text: string) => void
  /** What is asked on a terminal, and the flag that answers it elsewhere; else those of the device itself. */
  readonly question?: string
  readonly instead?: string
}

const DEVICE_QUESTION = 'Passphrase for this device’s keys'
const DEVICE_INSTEAD = '--passphrase-file FILE (or KEYFERRY_PASSPHRASE_FILE)'
const MAX_OCTETS = 4096

/** A passphrase that was set before: octets (UTF-8, NFC), to be filled with zeros by whoever gets them. */
export async function readPassphrase(sources: PassphraseSources): Promise<Uint8Array> {
  const { file, prompts, warn, question = DEVICE_QUESTION, instead = DEVICE_INSTEAD } = sources
  if (file !== null) return readFile(file, warn)
  return encode(await prompts.secret(question, instead))
}

/**
 * A new passphrase, asked twice. `null`: none.
 * @param none - the flag was given that says so.
 */
export async function choosePassphrase(sources: PassphraseSources, none: boolean): Promise<Uint8Array | null> {
  if (none) return null
  if (sources.file !== null) return readFile(sources.file, sources.warn)
  const question = sources.question ?? `${DEVICE_QUESTION} (empty: protected by file permissions only)`
  const instead = sources.instead ?? `${DEVICE_INSTEAD}, or --no-passphrase`
  const first = await sources.prompts.secret(question, instead)
  if (first === '') return null
  const second = await sources.prompts.secret('The same once more', instead)
  if (second !== first) throw new CliError('wrong-use', 'the two are not the same', { hint: 'run it again' })
  return encode(first)
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text.normalize('NFC'))
}

/** One line end at the end does not belong to the passphrase. */
function readFile(path: string, warn: (text: string) => void): Uint8Array {
  const stat = statSync(path)
  if (stat.isFile() && process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    warn(`others can read ${path}: chmod 600`)
  }
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
