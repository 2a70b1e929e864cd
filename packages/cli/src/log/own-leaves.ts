import type { OpenDevice } from '@keyferry/device'
import {
  checkDeviceSet,
  checkDeviceStatement,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  fromUtf8,
  KeyferryError,
  readStatement,
  refuseSetRollback,
  rootsOf,
  type Statement,
  verifyStatement,
} from '@keyferry/protocol'
import { deviceFingerprint } from '../console/ids.ts'
import { counted } from '../console/times.ts'
import type { OwnLeaf } from './verify-log.ts'

/** What a leaf about this user turned out to be. `strange` = none of this user's devices made it: somebody speaks in his name. */
export interface LeafFinding extends OwnLeaf {
  readonly what: string
  readonly strange: boolean
}

/** Fetches what each own leaf stands for and asks whether the user's own root or devices signed it (PROTOCOL 11, Monitors). */
export async function examineOwnLeaves(open: OpenDevice, leaves: readonly OwnLeaf[]): Promise<readonly LeafFinding[]> {
  const texts = new Map<string, string | KeyferryError>()
  for (const { ref } of leaves) texts.set(ref, await fetchText(open, ref))
  const newest = await newestSetOf(open, [...texts.values()])
  const findings: LeafFinding[] = []
  for (const leaf of leaves) findings.push({ ...leaf, ...(await examine(open, leaf, texts.get(leaf.ref), newest)) })
  return findings
}

async function fetchText(open: OpenDevice, ref: string): Promise<string | KeyferryError> {
  try {
    return fromUtf8((await open.client.call({ method: 'GET', path: `/v1/statements/${ref}` })).content)
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error
    return error
  }
}

type OwnSet = Statement<DeviceSetPayload>

/**
 * The newest set of the own user: of those that this device keeps and those that the log holds, where the chain of roots bears them and
 * none goes back behind what was seen. Another device may have signed it, and this one not have heard of it yet.
 */
async function newestSetOf(open: OpenDevice, texts: readonly (string | KeyferryError)[]): Promise<OwnSet | null> {
  const { origin, user, ...state } = open.store.seen.state()
  const kept = open.store.ownStatements.newest('kf-device-set+jwt')?.text ?? open.store.seen.setText(user)
  let newest = kept === null ? null : readStatement(deviceSetStatement, kept)
  for (const text of texts) {
    if (typeof text !== 'string') continue
    try {
      const set = readStatement(deviceSetStatement, text)
      if (newest !== null && !isNewer(set, newest)) continue
      await checkDeviceSet(set, { origin, user })
      refuseSetRollback(set, state.seenUser(user))
      newest = set
    } catch (error) {
      // Something else, or no set of this user's chain: what it is, its own finding says.
      if (!(error instanceof KeyferryError)) throw error
    }
  }
  return newest
}

/** First by hand-overs: a root that handed over may still sign, for a thief, and sets of any number. */
function isNewer(set: OwnSet, than: OwnSet): boolean {
  const more = rootsOf(set).length - rootsOf(than).length
  return more === 0 ? set.payload.seq > than.payload.seq : more > 0
}

type Judged = Pick<LeafFinding, 'what' | 'strange'>

async function examine(
  open: OpenDevice,
  { typ, ref }: OwnLeaf,
  text: string | KeyferryError | undefined,
  newest: OwnSet | null,
): Promise<Judged> {
  try {
    if (typeof text !== 'string') throw text ?? new KeyferryError('not-found', 'it was not fetched')
    if (typ === 'kf-device-set+jwt') return await examineSet(open, text, ref, newest)
    if (typ === 'kf-device+jwt') return await examineDevice(open, text, newest)
    return { what: typ === 'kf-user+jwt' ? 'a CA certifies your name' : typ, strange: false }
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error
    return { what: `cannot be read (${error.code})`, strange: true }
  }
}

/**
 * Signed by a root of the chain; and where the root lies here, each set since it does was signed here. What another device signed before
 * cannot be told from what somebody signed who had a copy.
 */
async function examineSet(open: OpenDevice, text: string, ref: string, newest: OwnSet | null): Promise<Judged> {
  const set = readStatement(deviceSetStatement, text)
  const { payload } = set
  const { user } = open.store.seen.state()
  const lists = `${counted(payload.devices.length, 'device')}, ${payload.revoked.length} revoked`
  const what = `set ${payload.seq}: ${payload.next === undefined ? lists : 'hands over to a fresh root key; the next set lists your devices'}`
  const inChain = newest === null || isInChain(set, newest)
  const signed = payload.user === user && inChain && (await verifyStatement(set, payload.root))
  return { what, strange: !signed || isForeign(open, payload.seq, ref) }
}

/** By the root of its time: a root that handed over signs nothing after that. */
function isInChain(set: OwnSet, newest: OwnSet): boolean {
  if (!rootsOf(newest).includes(set.kid)) return false
  const handovers = (newest.payload.handovers ?? []).map((text) => readStatement(deviceSetStatement, text))
  const last = handovers.find(({ kid }) => kid === set.kid)
  return last === undefined || set.payload.seq <= last.payload.seq
}

function isForeign({ device, store }: OpenDevice, seq: number, ref: string): boolean {
  const kept = store.ownStatements.list('kf-device-set+jwt')
  const first = kept[0]?.seq
  if (device.rootSigner() === null || first === undefined || seq < first) return false
  return kept.every((own) => own.ref !== ref)
}

async function examineDevice(open: OpenDevice, text: string, set: OwnSet | null): Promise<Judged> {
  const statement = readStatement(deviceStatement, text)
  const { origin, user } = open.store.seen.state()
  await checkDeviceStatement(statement, { origin, user })
  const listed = set === null || [...set.payload.devices, ...set.payload.revoked].some(({ id }) => id === statement.kid)
  return { what: `device ${deviceFingerprint(statement.kid)}, statement ${statement.payload.seq}`, strange: !listed }
}
