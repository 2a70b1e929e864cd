import { statfsSync } from 'node:fs'
import { findUser, newestSet, type OpenDevice } from '@keyferry/device'
import {
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  fromUtf8,
  KeyferryError,
  readStatement,
  type StatementType,
} from '@keyferry/protocol'
import { hintForDetails } from '../console/detail-hints.ts'
import { CLOCK_HINT, hintFor } from '../console/hints.ts'
import { ago, counted, ending } from '../console/times.ts'
import { isOfUnknownCa, UNKNOWN_CA_HINT } from '../console/unknown-ca.ts'
import { nameOfDevice } from '../device/device-names.ts'
import { checkHead } from '../log/verify-log.ts'
import { bad, care, type Finding, ok } from './finding.ts'

const DAY_SECONDS = 86_400
/** A request signed farther ahead is refused; behind, the answer is not believed from 300 s on (PROTOCOL 4). Warn well before. */
const MAX_AHEAD_SECONDS = 60
const CARE_AHEAD_SECONDS = 30
const CARE_BEHIND_SECONDS = 60
/** Less room than this, and SQLite soon finds none. */
const ROOM_OCTETS = 1024 * 1024

/** Looks at everything that has to be right for keys to come and go. What one look throws is its finding; the others go on. */
export async function* examine(open: OpenDevice): AsyncGenerator<Finding> {
  const answered = await lookAtServer(open)
  yield* answered.findings
  if (answered.reachable) {
    yield* await guarded('set', () => lookAtSet(open))
    yield* await guarded('log', () => lookAtLog(open))
  }
  yield* lookAtFolder(open)
  yield lookAtStatement(open)
  yield lookAtWitnesses(open)
  yield* lookAtAlarms(open)
}

async function lookAtServer(open: OpenDevice): Promise<{ reachable: boolean; findings: readonly Finding[] }> {
  const { origin } = open.client
  try {
    const asked = Date.now()
    const answer = await open.client.call({ method: 'GET', path: '/.well-known/keyferry' })
    const took = Date.now() - asked
    const server = ok('server', `${origin}   reachable, signs answers with the pinned key`)
    const clock = lookAtClock(answer.header('date'), asked + took / 2, open.now())
    // What else the server is asked would fail for this one cause.
    return { reachable: clock.state !== 'bad', findings: [server, clock] }
  } catch (error) {
    const skew = error instanceof KeyferryError ? error.details.skewSeconds : undefined
    if (skew === undefined) return { reachable: false, findings: [findingOf('server', error, origin)] }
    const server = ok('server', `${origin}   signs answers with the pinned key`)
    return { reachable: false, findings: [server, bad('clock', (error as KeyferryError).message, CLOCK_HINT)] }
  }
}

/**
 * @param machine - what the clock says, milliseconds.
 * @param device - what the device goes by, seconds: what was seen signed may be ahead of that.
 */
function lookAtClock(date: string | undefined, machine: number, device: number): Finding {
  const theirs = Date.parse(date ?? '') / 1000
  if (Number.isNaN(theirs)) return ok('clock', 'the server does not say its time')
  const ofMachine = machine / 1000 - theirs
  const ofDevice = device - theirs
  const off = Math.abs(ofDevice) > Math.abs(ofMachine) + 1 ? ofDevice : ofMachine
  const text =
    Math.abs(off) < 2
      ? 'as the server’s'
      : `${Math.abs(off).toFixed(0)} s ${off > 0 ? 'ahead of' : 'behind'} the server’s`
  if (off > MAX_AHEAD_SECONDS) return bad('clock', text, CLOCK_HINT)
  return off > CARE_AHEAD_SECONDS || off < -CARE_BEHIND_SECONDS ? care('clock', text, CLOCK_HINT) : ok('clock', text)
}

async function lookAtSet(open: OpenDevice): Promise<readonly Finding[]> {
  const { user, username } = open.store.seen.state()
  const { set: ref } = await findUser(open, user)
  const set = await fetchStatement<DeviceSetPayload>(open, deviceSetStatement, ref)
  const now = open.now()
  const days = (set.exp - now) / DAY_SECONDS
  const text = `${username} #${set.seq}, ${counted(set.devices.length, 'device')}, ${ending(set.exp, now)}`
  const renew = 'the device that holds the root has to come online: keyferry agent there'
  const listed = set.devices.some(({ id }) => id === open.device.signer.id)
  if (!listed) return [bad('set', 'this device is not in it', hintFor('device-revoked') ?? '')]
  if (isSignedElsewhere(open, set.seq)) {
    const resume = 'is this device to sign them: keyferry root resume; is it not: keyferry root remove'
    return [care('set', `${text}, signed by another device`, resume)]
  }
  return [days > 1 ? ok('set', text) : days > 0 ? care('set', text, renew) : bad('set', text, renew)]
}

/** Where the root lies here and this device signed sets, but not the newest one (PROTOCOL 2.2). */
function isSignedElsewhere(open: OpenDevice, seq: number): boolean {
  const own = newestSet(open)
  return open.device.rootSigner() !== null && own !== null && own.payload.seq < seq
}

async function fetchStatement<P>(open: OpenDevice, type: StatementType<P>, ref: string): Promise<P> {
  const answer = await open.client.call({ method: 'GET', path: `/v1/statements/${ref}` })
  return readStatement(type, fromUtf8(answer.content)).payload
}

async function lookAtLog(open: OpenDevice): Promise<readonly Finding[]> {
  const { head, since } = await checkHead(open)
  const grown =
    since === null ? 'this device has seen none of it before' : `grown from the ${since} that this device had seen`
  return [ok('log', `${head.size} entries, ${grown}`)]
}

/** Only what is wrong: that a folder can be written needs no line. */
function* lookAtFolder({ folder, store }: OpenDevice): Generator<Finding> {
  try {
    store.transaction(() => {})
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize >= ROOM_OCTETS) return
    yield bad('folder', `${folder}   the disk is full`, hintForDetails({ reason: 'disk-full' }) ?? '')
  } catch (error) {
    yield findingOf('folder', error, folder)
  }
}

function lookAtStatement(open: OpenDevice): Finding {
  const own = open.store.ownStatements.newest('kf-device+jwt')
  if (own === null) return bad('device', 'no statement of its own', 'join anew as a new device')
  const { exp, enc, iat } = readStatement(deviceStatement, own.text).payload
  const now = open.now()
  const name = nameOfDevice(open, open.device.signer.id)
  const live = enc.filter((offer) => offer.exp > now).length
  const text = `${name}, said ${ago(iat, now)}, ${ending(exp, now)}, ${counted(live, 'transport key')}`
  const renew = 'the agent renews it: keyferry agent'
  return exp <= now || live === 0
    ? bad('device', text, renew)
    : exp - now < 7 * DAY_SECONDS
      ? care('device', text, renew)
      : ok('device', text)
}

function lookAtWitnesses(open: OpenDevice): Finding {
  const { trust } = open.store.seen.state()
  if (trust.quorum > 0)
    return ok('witness', `${trust.quorum} of ${trust.witnesses.length} must have seen the log lately`)
  return care('witness', 'none (quorum 0): a log with two faces is noticed late', 'keyferry trust witness VKEY')
}

function* lookAtAlarms(open: OpenDevice): Generator<Finding> {
  const alarms = open.store.alarms.open()
  if (alarms.length === 0) yield ok('alarms', 'none')
  for (const { id, reason, subject, at } of alarms) {
    yield bad(
      'alarm',
      `${reason} about ${subject}, ${ago(at, open.now())}`,
      `${hintFor(reason, 'newcomer') ?? 'look at it: keyferry log alarms'}; when settled: keyferry log alarms --lift ${id}`,
    )
  }
}

async function guarded(what: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look()
  } catch (error) {
    return [findingOf(what, error, '')]
  }
}

function findingOf(what: string, error: unknown, about: string): Finding {
  const isUnreachable = error instanceof Error && error.name === 'UnreachableError'
  if (!isUnreachable && !(error instanceof KeyferryError)) throw error
  const code = error instanceof KeyferryError ? error.code : 'unreachable'
  const byDetails = error instanceof KeyferryError ? hintForDetails(error.details) : null
  return bad(
    what,
    `${about === '' ? '' : `${about}   `}${error.message} (${code})`,
    (isUnreachable && isOfUnknownCa(error) ? UNKNOWN_CA_HINT : byDetails) ?? hintFor(code, 'newcomer') ?? 'try again',
  )
}
