import {
  type DeviceSetPayload,
  deviceSetStatement,
  KeyferryError,
  readStatement,
  type Signer,
  type Statement,
  signStatement,
  thumbprint,
} from '@keyferry/protocol'
import { SET_LIFE_SECONDS } from '../enrolment/lifetimes.ts'
import { DeviceError } from '../errors.ts'
import type { OpenDevice } from '../open-device.ts'
import type { OwnStatement } from '../store/own-statements.ts'
import { findUser } from '../transfers/people.ts'
import { rootElsewhere, setInstead } from './outdated-root.ts'
import { noteOwnSet, type SentParts, sendUnsentStatements } from './send-statements.ts'

const TYP = 'kf-device-set+jwt'
type OwnSet = Statement<DeviceSetPayload>

/** The newest set that a root in this device signed and the server has; hand-over sets are none. */
export function newestSet({ store }: Pick<OpenDevice, 'store'>): OwnSet | null {
  const unsent = new Set(store.ownStatements.unsent().map(({ ref }) => ref))
  return newestOf(store.ownStatements.list(TYP).filter(({ ref }) => !unsent.has(ref)))
}

/** Whether something was signed after it that the server has not, or not wholly: a set on its way or refused, a hand-over alone. */
export function isHalfDone({ store }: Pick<OpenDevice, 'store'>): boolean {
  const newest = store.ownStatements.newest(TYP)
  return newest !== null && newest.ref !== newestSet({ store })?.ref
}

/** What may change from one set to the next; the rest is carried over. */
export type SetChange = Partial<Pick<DeviceSetPayload, 'devices' | 'revoked' | 'trust'>>

/**
 * Signs the next set of the user with the root key held here, keeps it, and puts it (PROTOCOL 2.2). What was signed and not yet sent goes
 * first: the server takes sets in order. One that the server refused for good (it ran out on the way, or the pairing that it ends did)
 * gives way to this one, which revokes whom only that one listed.
 * @param change - what to change, given the newest set that the server has.
 * @throws {DeviceError} `root-elsewhere`
 * @throws {KeyferryError} `set-rollback` if another device signed meanwhile; `statement-invalid` if the server refuses it
 */
export async function signNextSet(
  open: SentParts & Pick<OpenDevice, 'device'>,
  change: (base: DeviceSetPayload) => SetChange = () => ({}),
): Promise<OwnSet> {
  const { store, now } = open
  const refused = (await sendUnsentStatements(open)).filter(({ typ }) => typ === TYP)
  const standing = store.ownStatements.list(TYP).filter(({ ref }) => refused.every((one) => one.ref !== ref))
  const base = newestOf(standing)
  const last = readOwn(standing.at(-1))
  if (base === null || last === null) throw elsewhere()
  const root = signerOf(open, thumbprint(last.payload.next ?? last.payload.root))
  const at = now()
  const changed = { ...base.payload, ...change(base.payload) }
  const handovers = [...(base.payload.handovers ?? []), ...(last.payload.next === undefined ? [] : [last.text])]
  const set = await signStatement(deviceSetStatement, root, {
    v: 1,
    origin: base.payload.origin,
    user: base.payload.user,
    root: root.jwk,
    seq: last.payload.seq + 1,
    prev: last.ref,
    iat: at,
    exp: at + SET_LIFE_SECONDS,
    devices: changed.devices,
    revoked: [...changed.revoked, ...onlyThere(refused, changed, at)],
    ...(changed.trust === undefined ? {} : { trust: changed.trust }),
    ...(handovers.length === 0 ? {} : { handovers }),
  })
  store.transaction(() => {
    if (refused[0] !== undefined) store.ownStatements.withdraw(TYP, refused[0].seq)
    store.ownStatements.put({ typ: TYP, seq: set.payload.seq, ref: set.ref, text: set.text, at })
  })
  const again = await sendUnsentStatements(open)
  if (again.some(({ ref }) => ref === set.ref)) {
    throw new KeyferryError('statement-invalid', 'the server does not take the set')
  }
  return set
}

/**
 * To be asked before a human is: whether this device signs the next set. What it signed before goes first.
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`, `set-elsewhere`
 */
export async function readyToSign(open: SentParts & Pick<OpenDevice, 'device'>): Promise<void> {
  rootOf(open)
  await sendUnsentStatements(open)
  const newest = newestSet(open)
  if (newest !== null) await refuseForeignSet(open, newest)
}

/**
 * One device at a time signs sets (PROTOCOL 2.2): where another one did since, its set is looked at by a human before this device goes on
 * from it. The word of a server that shows no such set stops nobody: it refuses what does not follow.
 */
async function refuseForeignSet(open: SentParts, own: OwnSet): Promise<void> {
  if ((await findUser(open, own.payload.user)).set === own.ref) return
  const set = await setInstead(open, own)
  if (set === null) return
  noteOwnSet(open.store, set, set.ref)
  if (rootElsewhere(open.store, own) !== null) throw new DeviceError('root-outdated', OUTDATED_HINT)
  throw new DeviceError(
    'set-elsewhere',
    'look at what it lists: keyferry device list; if this device is to sign from now on: keyferry root resume',
  )
}

/**
 * The root key, where this device holds the current one.
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`
 */
export function rootOf(open: Pick<OpenDevice, 'device' | 'store'>): Signer {
  const newest = newestSet(open)
  if (newest === null) throw elsewhere()
  if (rootElsewhere(open.store, newest) !== null) throw new DeviceError('root-outdated', OUTDATED_HINT)
  return signerOf(open, thumbprint(newest.payload.root))
}

function signerOf({ device }: Pick<OpenDevice, 'device'>, id: ReturnType<typeof thumbprint>): Signer {
  const root = device.rootSignerById(id)
  if (root === null) throw elsewhere()
  return root
}

const OUTDATED_HINT = 'another device replaced it: do it on that one; if that was not you: keyferry log alarms'

function elsewhere(): DeviceError {
  return new DeviceError(
    'root-elsewhere',
    'do it on the device that does, or bring the root here: keyferry root import',
  )
}

/** A refused set exists all the same, and the server has it: its newcomers must not come in by it later. */
function onlyThere(
  refused: readonly OwnStatement[],
  { devices, revoked }: Pick<DeviceSetPayload, 'devices' | 'revoked'>,
  at: number,
): DeviceSetPayload['revoked'] {
  const known = new Set([...devices, ...revoked].map(({ id }) => id))
  const named = refused.flatMap((own) => readOwn(own)?.payload.devices.map(({ id }) => id) ?? [])
  return [...new Set(named)].filter((id) => !known.has(id)).map((id) => ({ id, at }))
}

function newestOf(sets: readonly OwnStatement[]): OwnSet | null {
  for (const own of sets.toReversed()) {
    const set = readOwn(own)
    if (set !== null && set.payload.next === undefined) return set
  }
  return null
}

function readOwn(own: OwnStatement | undefined): OwnSet | null {
  return own === undefined ? null : readStatement(deviceSetStatement, own.text)
}
