import { isClean } from '../console/clean.ts'
import { CliError } from '../console/cli-error.ts'

/** Octets in UTF-8: what the server takes as label, with room for `key -> device` on one line. */
const MAX_OCTETS = 200

/**
 * A name that somebody gives to a key or a device, as it is kept: it stands in lists and messages, is typed to say which one is
 * meant, and names of keys reach other people.
 * @param kind - as `key`, for the error.
 * @throws {CliError} `wrong-use`
 */
export function nameToKeep(kind: 'key' | 'device', typed: string, hint: string): string {
  const name = typed.normalize('NFC').trim()
  if (isName(name)) return name
  const why = name === '' ? 'is empty' : isClean(name) ? 'is too long' : 'has control or invisible characters'
  throw new CliError('wrong-use', `this name of a ${kind} ${why}`, { hint })
}

/** Whether it can be a name here: names of keys come from other devices too. */
export function isName(name: string): boolean {
  return name.trim() !== '' && isClean(name) && Buffer.byteLength(name) <= MAX_OCTETS
}
