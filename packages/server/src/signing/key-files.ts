import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type IfExists, readFileIfThere } from '@keyferry/files'
import type { EpochSeconds, Signer } from '@keyferry/protocol'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { requirePrivate } from '../files/private-place.ts'
import { SetupError } from '../setup-error.ts'
import type { RingKey } from './key-ring.ts'
import { nodeSigner } from './node-signer.ts'

/** Private keys as files of PKCS#8 in DER, mode 0600: so they pass through buffers, which are cleared, and never strings. */

const LOG_KEY = 'log.p8'
const SERVER_KEY = /^server-([0-9]{1,16})\.p8$/

/**
 * The keys that sign answers and notices (ES256): `server-<when it begins to sign>.p8`. The first is made here.
 * @throws {SetupError} `key-file-damaged`, `permissions-too-open`
 */
export function openServerKeys(folder: string, now: EpochSeconds): readonly RingKey[] {
  const names = readdirSync(folder).filter((name) => SERVER_KEY.test(name))
  if (names.length === 0) return [addServerKey(folder, now)]
  return names.map((name) => ({
    signer: readSigner(join(folder, name), 'ec'),
    activeAt: Number(SERVER_KEY.exec(name)?.[1]),
  }))
}

/** Makes one more server key, which signs from `activeAt` on. */
export function addServerKey(folder: string, activeAt: EpochSeconds): RingKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { signer: keepSigner(join(folder, `server-${activeAt}.p8`), privateKey), activeAt }
}

/**
 * The key that signs the checkpoints of the log (Ed25519). Made once: another one is another log, which each user's root has
 * to accept (PROTOCOL 10, "Restored server").
 *
 * @throws {SetupError} `key-file-damaged`, `permissions-too-open`
 */
export function openLogKey(folder: string): Signer {
  const path = join(folder, LOG_KEY)
  if (readFileIfThere(path) !== null) return readSigner(path, 'ed25519')
  return keepSigner(path, generateKeyPairSync('ed25519').privateKey)
}

/** Another key for the log; the one before is gone, so nobody can sign the old log any more. */
export function replaceLogKey(folder: string): Signer {
  return keepSigner(join(folder, LOG_KEY), generateKeyPairSync('ed25519').privateKey, 'replace')
}

function keepSigner(path: string, key: KeyObject, ifExists: IfExists = 'fail'): Signer {
  const octets = key.export({ type: 'pkcs8', format: 'der' })
  try {
    writeFileAtomically(path, octets, ifExists)
  } finally {
    octets.fill(0)
  }
  return nodeSigner(key)
}

function readSigner(path: string, type: 'ec' | 'ed25519'): Signer {
  requirePrivate(path)
  const octets = readFileIfThere(path) ?? Buffer.alloc(0)
  try {
    const key = createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' })
    if (key.asymmetricKeyType === type) return nodeSigner(key)
  } catch {
    // falls through: why OpenSSL does not like it helps nobody
  } finally {
    octets.fill(0)
  }
  throw new SetupError('key-file-damaged', `restore ${path} from a copy: a new key has to be accepted by people`)
}
