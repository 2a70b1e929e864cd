import {
  asTransportJwk,
  CHALLENGE_OCTETS,
  type Challenge,
  type CheckpointMark,
  checkCheckpoint,
  checkDeviceStatement,
  checkPairingMac,
  checkPossession,
  checkpointMark,
  type DeviceId,
  type DeviceKind,
  type DevicePayload,
  deviceStatement,
  type EnrolmentId,
  fromUtf8,
  inTime,
  KeyferryError,
  makeChallengeBinding,
  makePairingString,
  namedThumbprint,
  type PossessionAnswer,
  pairingKey,
  pairingMac,
  parsePairingString,
  parseVkey,
  readStatement,
  type Statement,
  type Thumbprint,
  toBase64url,
  wrapKey,
  writeEnrolmentAnswer,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { newestSet, rootOf, signNextSet } from '../own/next-set.ts'
import { type EnrolmentShown, waitForState } from './wait.ts'

export interface NewDevice {
  readonly device: DeviceId
  readonly kind: DeviceKind
}

export interface AddDeviceOptions {
  /** Shows the pairing string to whoever holds the new device; it lives ten minutes. */
  readonly show: (pairing: string) => void
  /** The human compares what both devices show. */
  readonly confirm: (device: NewDevice) => Promise<boolean>
  readonly report?: (step: 'claimed' | 'answered' | 'proven') => void
  readonly signal?: AbortSignal
}

/** Reasons of a denial (PROTOCOL 3). */
const DENIALS: ReadonlySet<string> = new Set(['mac-invalid', 'statement-invalid', 'possession-failed', 'declined'])

/**
 * Pairs a further device of the own user: the part of A in PROTOCOL 3. Nothing that the server says is believed: the claim carries a mac
 * under a secret that only the two devices know, and the new device proves each of its transport keys before it gets into the set.
 * @throws {KeyferryError} `mac-invalid`, `statement-invalid`, `possession-failed`, `declined`; `not-found` when the time is over
 */
export async function addDevice(open: OpenDevice, options: AddDeviceOptions): Promise<NewDevice> {
  rootOf(open)
  const secret = open.random(16)
  const created = await open.client.call({ method: 'POST', path: '/v1/enrolments', json: {} })
  const { id, code } = created.json<{ id: EnrolmentId; code: string }>()
  const { origin, user, username, trust } = open.store.seen.state()
  const text = makePairingString({ origin, user, username, log: trust.log, code, secret })
  parsePairingString(text) // what is shown can be read
  options.show(text)
  try {
    const claimed = await waitFor(open, id, 'claimed', options)
    options.report?.('claimed')
    const statement = await readClaim(open, claimed, secret)
    const added: NewDevice = { device: statement.kid, kind: statement.payload.kind }
    if (!(await options.confirm(added))) throw new KeyferryError('declined', 'you did not confirm the new device')
    const challenges = await answerClaim(open, id, statement, secret)
    options.report?.('answered')
    const proven = await waitFor(open, id, 'proven', options)
    const answers = (proven.proof?.answers ?? []) as readonly PossessionAnswer[]
    checkPossession(answers, challenges, id, statement.kid)
    options.report?.('proven')
    await admit(open, statement)
    return added
  } catch (error) {
    await deny(open, id, error)
    throw error
  } finally {
    secret.fill(0)
  }
}

async function waitFor(
  open: OpenDevice,
  id: EnrolmentId,
  state: EnrolmentShown['state'],
  options: AddDeviceOptions,
): Promise<EnrolmentShown> {
  const shown = await waitForState(open.client, id, [state], options.signal)
  if (shown?.state === state) return shown
  if (shown?.state === 'denied') throw new KeyferryError('declined', 'the new device stopped')
  throw new KeyferryError('not-found', 'the time for pairing is over')
}

/** Step 3: the mac before all else, then the whole statement. */
async function readClaim(
  open: OpenDevice,
  { claim }: EnrolmentShown,
  secret: Uint8Array,
): Promise<Statement<DevicePayload>> {
  const { origin, user } = open.store.seen.state()
  if (claim?.mac === undefined) throw new KeyferryError('mac-invalid', 'not from the other device')
  checkPairingMac(pairingKey('new', secret, origin), claim.statement, claim.mac)
  const statement = readStatement(deviceStatement, claim.statement)
  await checkDeviceStatement(statement, { origin, user })
  if (inTime(statement.payload, open.now()) !== 'in-time') {
    throw new KeyferryError('statement-invalid', 'the statement of the new device is out of time')
  }
  return statement
}

/** Step 4: tells the new device what to trust, and challenges each of its transport keys. */
async function answerClaim(
  open: OpenDevice,
  en: EnrolmentId,
  statement: Statement<DevicePayload>,
  secret: Uint8Array,
): Promise<ReadonlyMap<Thumbprint, Uint8Array>> {
  const { origin } = open.store.seen.state()
  const set = newestSet(open)
  if (set === null) throw new KeyferryError('declined', 'this device has signed no set yet')
  const secrets = new Map<Thumbprint, Uint8Array>()
  const challenges: Challenge[] = []
  for (const offer of statement.payload.enc) {
    const kid = namedThumbprint(offer.jwk)
    const recipient = asTransportJwk(offer.jwk)
    if (recipient === null) throw new KeyferryError('statement-invalid', 'a transport key is of an unknown kind')
    const challenge = open.random(CHALLENGE_OCTETS)
    const binding = makeChallengeBinding({
      origin,
      en,
      src: open.device.signer.id,
      dst: statement.kid,
      kid,
      alg: offer.alg,
    })
    const wrapped = await wrapKey({ alg: offer.alg, recipient, kid, keyOctets: challenge, binding })
    challenges.push({ kid, binding: toBase64url(binding), wrapped })
    secrets.set(kid, challenge)
  }
  const answer = writeEnrolmentAnswer({
    en,
    statement: statement.ref,
    set: set.ref,
    serverKeys: open.store.serverKeys.list().map(({ id }) => id),
    checkpoint: await lastCheckpoint(open),
    challenges,
  })
  const mac = pairingMac(pairingKey('answer', secret, origin), answer)
  await open.client.call({ method: 'PUT', path: `/v1/enrolments/${en}/answer`, json: { answer, mac } })
  return secrets
}

/** The last checkpoint relied on; without one the log's own is verified first. */
async function lastCheckpoint(open: OpenDevice): Promise<CheckpointMark> {
  const state = open.store.seen.state()
  if (state.checkpoint !== null) return { size: state.checkpoint.size, root: state.checkpoint.root }
  const response = await open.transport.send({
    method: 'GET',
    url: `${state.origin}/log/checkpoint`,
    headers: {},
    content: null,
    timeoutMilliseconds: 30_000,
  })
  const note = fromUtf8(response.content)
  const checked = await checkCheckpoint(note, {
    log: parseVkey(state.trust.log),
    witnesses: state.trust.witnesses.map((text) => parseVkey(text)),
    quorum: state.trust.quorum,
    last: null,
    now: open.now(),
  })
  const mark = checkpointMark(checked)
  open.store.seen.commit(state, {
    users: [],
    devices: [],
    names: [],
    pins: [],
    checkpoint: { note, ...mark },
    trust: null,
  })
  return mark
}

/** Step 6: the root signs the set with the new device in it. */
async function admit(open: OpenDevice, statement: Statement<DevicePayload>): Promise<void> {
  const { devices } = (newestSet(open) as NonNullable<ReturnType<typeof newestSet>>).payload
  const { jwk, kind, seq } = statement.payload
  const entry = {
    id: statement.kid,
    jwk: { ...jwk },
    kind,
    roles: ['source', 'target'] as ('source' | 'target')[],
    seq,
  }
  await signNextSet(open, { devices: [...devices, entry] })
}

async function deny(open: OpenDevice, en: EnrolmentId, error: unknown): Promise<void> {
  if (!(error instanceof KeyferryError)) return
  const reason = DENIALS.has(error.code) ? error.code : 'declined'
  try {
    await open.client.call({ method: 'POST', path: `/v1/enrolments/${en}/denial`, json: { reason } })
  } catch {
    // It has ended already, or nobody is there to hear: it expires by itself.
  }
}
