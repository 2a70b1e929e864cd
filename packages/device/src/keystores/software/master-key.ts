import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { concatOctets, readStrictly, utf8 } from '@keyferry/protocol'
import * as z from 'zod'
import { DeviceError } from '../../errors.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { makePrivateFolder, requirePrivate } from '../../files/private-place.ts'
import { freshPassphraseKdf, keyOfPassphrase, type PassphraseKdf, PassphraseKdfShape } from './passphrase.ts'
import { openSealed, type SealedPlace, seal } from './sealing.ts'

/**
 * `master.key`: one line of JSON that says how the key is protected, then octets: the key itself (0600 is all its protection),
 * or the key sealed under a passphrase. Never the key as text: text cannot be erased.
 */
export const MASTER_KEY_FILE = 'master.key'
const MASTER_OCTETS = 32
const MAX_FILE_OCTETS = 4096
const LINE_END = 0x0a

type Head = { v: 1; protection: 'file' } | { v: 1; protection: 'passphrase'; kdf: PassphraseKdf }
const HeadShape: z.ZodType<Head> = z.discriminatedUnion('protection', [
  z.strictObject({ v: z.literal(1), protection: z.literal('file') }),
  z.strictObject({ v: z.literal(1), protection: z.literal('passphrase'), kdf: PassphraseKdfShape }),
])

/** Asks the human, once. `null` = nobody to ask. The octets (UTF-8, NFC) are erased after use. */
export type AskPassphrase = () => Promise<Uint8Array | null>

export function hasMasterKey(folder: string): boolean {
  return existsSync(join(folder, MASTER_KEY_FILE))
}

/**
 * Makes the master key of a profile.
 * @param passphrase - `null`: the file is the key, and who can read it has all keys of the device.
 * @throws {DeviceError} `file-exists`: an old master key is never overwritten, what is sealed under it would be lost.
 */
export async function makeMasterKey(
  folder: string,
  passphrase: Uint8Array | null,
  kdf?: PassphraseKdf,
): Promise<KeyObject> {
  makePrivateFolder(folder)
  const octets = randomBytes(MASTER_OCTETS)
  try {
    writeFileAtomically(join(folder, MASTER_KEY_FILE), await protect(octets, passphrase, kdf), 'fail')
    return createSecretKey(octets)
  } finally {
    octets.fill(0)
  }
}

/**
 * Opens the master key of a profile.
 * @throws {DeviceError} `profile-absent`, `permissions-too-open`, `passphrase-needed`, `passphrase-wrong`, `profile-damaged`
 */
export async function openMasterKey(folder: string, ask: AskPassphrase): Promise<KeyObject> {
  const octets = await readMasterKey(folder, ask)
  try {
    return createSecretKey(octets)
  } finally {
    octets.fill(0)
  }
}

/** Changes, sets or (`null`) removes the passphrase. Sealed keys stay as they are. */
export async function changePassphrase(
  folder: string,
  ask: AskPassphrase,
  passphrase: Uint8Array | null,
  kdf?: PassphraseKdf,
): Promise<void> {
  const octets = await readMasterKey(folder, ask)
  try {
    writeFileAtomically(join(folder, MASTER_KEY_FILE), await protect(octets, passphrase, kdf), 'replace')
  } finally {
    octets.fill(0)
  }
}

/** Whether opening it asks for a passphrase. */
export function asksPassphrase(folder: string): boolean {
  const { head, rest } = readFile(folder)
  rest.fill(0)
  return head.protection === 'passphrase'
}

async function protect(
  octets: Uint8Array,
  passphrase: Uint8Array | null,
  kdf = freshPassphraseKdf(),
): Promise<Uint8Array> {
  if (passphrase === null) return concatOctets(headLine({ v: 1, protection: 'file' }), octets)
  const line = headLine({ v: 1, protection: 'passphrase', kdf })
  return concatOctets(line, seal(await keyOfPassphrase(kdf, passphrase), placeOf(line), octets))
}

async function readMasterKey(folder: string, ask: AskPassphrase): Promise<Uint8Array> {
  const { head, line, rest } = readFile(folder)
  const octets = head.protection === 'file' ? rest : await openUnderPassphrase(head.kdf, line, rest, ask)
  if (octets.length !== MASTER_OCTETS) throw new DeviceError('profile-damaged')
  return octets
}

async function openUnderPassphrase(
  kdf: PassphraseKdf,
  line: Uint8Array,
  sealed: Uint8Array,
  ask: AskPassphrase,
): Promise<Uint8Array> {
  const passphrase = await ask()
  if (passphrase === null)
    throw new DeviceError('passphrase-needed', 'run it where it can ask, or give --passphrase-file')
  try {
    return openSealed(await keyOfPassphrase(kdf, passphrase), placeOf(line), sealed)
  } catch (error) {
    throw new DeviceError('passphrase-wrong', null, { cause: error })
  } finally {
    passphrase.fill(0)
  }
}

interface MasterFile {
  readonly head: Head
  readonly line: Uint8Array
  readonly rest: Uint8Array
}

function readFile(folder: string): MasterFile {
  const path = join(folder, MASTER_KEY_FILE)
  if (!existsSync(path)) throw new DeviceError('profile-absent', 'join first: keyferry init, keyferry join')
  requirePrivate(path)
  const file = readFileSync(path)
  try {
    const end = file.indexOf(LINE_END) + 1
    const line = new Uint8Array(file.subarray(0, end))
    if (file.length > MAX_FILE_OCTETS || end === 0) throw new DeviceError('profile-damaged')
    return { head: readStrictly(HeadShape, line, 'malformed'), line, rest: new Uint8Array(file.subarray(end)) }
  } catch (error) {
    throw new DeviceError('profile-damaged', null, { cause: error })
  } finally {
    file.fill(0)
  }
}

function headLine(head: Head): Uint8Array {
  return utf8(`${JSON.stringify(head)}\n`)
}

/** The whole first line is authenticated: nobody can make the derivation cheaper unseen. */
function placeOf(line: Uint8Array): SealedPlace {
  return { table: 'master', row: new TextDecoder().decode(line) }
}
