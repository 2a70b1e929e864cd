import type { OpenDevice } from '@keyferry/device'
import {
  checkDeviceStatement,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  fromUtf8,
  KeyferryError,
  readStatement,
  rootsOf,
  type Statement,
  verifyStatement,
} from '@keyferry/protocol'
import { deviceFingerprint } from '../console/ids.ts'
import type { OwnLeaf } from './verify-log.ts'

/** What a leaf about this user turned out to be. `strange` = none of this user's devices made it: somebody speaks in his name. */
export interface LeafFinding extends OwnLeaf {
  readonly what: string
  readonly strange: boolean
}

/** Fetches what each own leaf stands for and asks whether the user's own root or devices signed it (PROTOCOL 11, Monitors). */
export async function examineOwnLeaves(open: OpenDevice, leaves: readonly OwnLeaf[]): Promise<readonly LeafFinding[]> {
  const findings: LeafFinding[] = []
  for (const leaf of leaves) findings.push({ ...leaf, ...(await examine(open, leaf)) })
  return findings
}

type Judged = Pick<LeafFinding, 'what' | 'strange'>

async function examine(open: OpenDevice, { typ, ref }: OwnLeaf): Promise<Judged> {
  try {
    const answer = await open.client.call({ method: 'GET', path: `/v1/statements/${ref}` })
    const text = fromUtf8(answer.content)
    if (typ === 'kf-device-set+jwt') return await examineSet(open, text, ref)
    if (typ === 'kf-device+jwt') return await examineDevice(open, text)
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
async function examineSet(open: OpenDevice, text: string, ref: string): Promise<Judged> {
  const set = readStatement(deviceSetStatement, text)
  const { payload } = set
  const { user } = open.store.seen.state()
  const what = `set ${payload.seq}: ${payload.devices.length} devices, ${payload.revoked.length} revoked`
  const newest = newestSet(open)
  const inChain = newest === null || rootsOf(newest).includes(set.kid)
  const signed = payload.user === user && inChain && (await verifyStatement(set, payload.root))
  return { what, strange: !signed || isForeign(open, payload.seq, ref) }
}

function isForeign({ device, store }: OpenDevice, seq: number, ref: string): boolean {
  const kept = store.ownStatements.list('kf-device-set+jwt')
  const first = kept[0]?.seq
  if (device.rootSigner() === null || first === undefined || seq < first) return false
  return kept.every((own) => own.ref !== ref)
}

async function examineDevice(open: OpenDevice, text: string): Promise<Judged> {
  const statement = readStatement(deviceStatement, text)
  const { origin, user } = open.store.seen.state()
  await checkDeviceStatement(statement, { origin, user })
  const set = newestSet(open)
  const listed = set === null || [...set.payload.devices, ...set.payload.revoked].some(({ id }) => id === statement.kid)
  return { what: `device ${deviceFingerprint(statement.kid)}, statement ${statement.payload.seq}`, strange: !listed }
}

function newestSet(open: OpenDevice): Statement<DeviceSetPayload> | null {
  const own = open.store.ownStatements.newest('kf-device-set+jwt')?.text
  const text = own ?? open.store.seen.setText(open.store.seen.state().user)
  return text === null ? null : readStatement(deviceSetStatement, text)
}
