import { type DeviceSetPayload, KeyferryError, type Statement, thumbprint } from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'
import type { OpenDevice } from '../open-device.ts'
import { newestSet, rootOf } from './next-set.ts'
import { noteOwnSet, sendUnsentStatements } from './send-statements.ts'
import { shownSet } from './shown-set.ts'

type OwnSet = Statement<DeviceSetPayload>

/**
 * Brings the root key into this device, which signs the user's sets from then on: one device at a time does, so the other one is gone or
 * has been told (PROTOCOL 2.2).
 * @param pkcs8 - DER; the caller erases it.
 * @throws {KeyferryError} `set-invalid`, `set-rollback`
 * @throws {DeviceError} `root-outdated`, `key-format-unknown`
 */
export async function takeRoot(open: OpenDevice, pkcs8: Uint8Array): Promise<OwnSet> {
  const set = await newestShown(open)
  open.store.transaction(() => {
    if (open.device.importRootKey(pkcs8).id !== thumbprint(set.payload.root)) {
      throw new DeviceError(
        'root-outdated',
        'a later rotation made such a copy useless: use one that was made after it, or make one where the root is: keyferry root export',
      )
    }
    goOnFrom(open, set)
  })
  return set
}

/**
 * Lets this device, which holds the root key, sign the user's sets again after another one did (PROTOCOL 2.2).
 * @param agree - asks its human, who looks at what that set lists. Not asked if it was signed here.
 * @returns the set to go on from
 * @throws {KeyferryError} `declined`, `set-invalid`, `set-rollback`
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`
 */
export async function resumeRoot(open: OpenDevice, agree: (set: OwnSet) => Promise<boolean>): Promise<OwnSet> {
  if (open.device.rootSigner() === null) rootOf(open)
  const set = await newestShown(open)
  if (open.device.rootSignerById(thumbprint(set.payload.root)) === null) {
    throw new DeviceError('root-outdated', 'bring the current one here: keyferry root import')
  }
  if (set.ref === newestSet(open)?.ref) return set
  if (!(await agree(set))) throw new KeyferryError('declined', 'you did not agree')
  open.store.transaction(() => goOnFrom(open, set))
  return set
}

/**
 * Removes the root key from this device, for good: another one holds it and signs the sets (PROTOCOL 2.2).
 * @param agree - asks its human. `isElsewhere`: another device signed the newest set; else nothing shows that the key is anywhere else.
 * @throws {KeyferryError} `declined`, `set-invalid`, `set-rollback`
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`
 */
export async function removeRoot(open: OpenDevice, agree: (isElsewhere: boolean) => Promise<boolean>): Promise<void> {
  if (open.device.rootSigner() === null) rootOf(open)
  const set = await newestShown(open)
  if (!(await agree(set.ref !== newestSet(open)?.ref))) throw new KeyferryError('declined', 'you did not agree')
  open.store.transaction(() => {
    for (let root = open.device.rootSigner(); root !== null; root = open.device.rootSigner()) {
      open.store.sealedKeys.removeSigningKey(root.id)
    }
  })
}

/** The newest set of the own user. What was signed here goes first. */
async function newestShown(open: OpenDevice): Promise<OwnSet> {
  try {
    await sendUnsentStatements(open)
  } catch (error) {
    // That another one was first is what is to be mended here.
    if (!(error instanceof KeyferryError && error.code === 'set-rollback')) throw error
  }
  return shownSet(open)
}

function goOnFrom({ store, now }: OpenDevice, set: OwnSet): void {
  const { ref, text, payload } = set
  store.ownStatements.goOnFrom({ typ: 'kf-device-set+jwt', seq: payload.seq, ref, text, at: now() })
  noteOwnSet(store, set, ref)
}
