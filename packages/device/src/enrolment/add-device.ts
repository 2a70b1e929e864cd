import {
  asTransportJwk,
  CHALLENGE_OCTETS,
  type Challenge,
  type CheckpointMark,
  checkDeviceStatement,
  checkPairingMac,
  checkPossession,
  type DeviceId,
  type DeviceKind,
  type DevicePayload,
  type DeviceRole,
  deviceStatement,
  type EnrolmentId,
  type EpochSeconds,
  idShape,
  inTime,
  KeyferryError,
  makeChallengeBinding,
  makePairingString,
  namedThumbprint,
  PAIRING_LIFETIME_SECONDS,
  type PossessionAnswer,
  pairingKey,
  pairingMac,
  readStatement,
  type Statement,
  suiteForm,
  type Thumbprint,
  toBase64url,
  transportKeyIsValid,
  wrapKey,
  wrapsInSoftware,
  writeEnrolmentAnswer,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { Client } from '../client/client.ts'
import type { OpenDevice } from '../open-device.ts'
import { currentCheckpoint } from '../own/checkpoint.ts'
import { newestSet, readyToSign, signNextSet } from '../own/next-set.ts'
import { deny } from './deny.ts'
import { type Pause, persistent } from './persistent.ts'
import { CLAIMED_SECONDS, type EnrolmentShown, waitForState } from './wait.ts'

export interface NewDevice {
  readonly device: DeviceId
  readonly kind: DeviceKind
}

export interface AddDeviceOptions {
  /** Shows the pairing string to whoever holds the new device; it lives ten minutes. */
  readonly show: (pairing: string) => Promise<void> | void
  /** The human compares what both devices show. */
  readonly confirm: (facts: NewDevice & { readonly username: string }) => Promise<boolean>
  readonly report?: (step: 'claimed' | 'answered' | 'proven') => void
  readonly signal?: AbortSignal
  /** Between tries; tests do not wait. */
  readonly pause?: Pause
}

const OfferShape = z.looseObject({ id: idShape('en'), code: z.string() })

/**
 * Pairs a further device of the own user: the part of A in PROTOCOL 3. Nothing that the server says is believed: the claim carries a mac
 * under a secret that only the two devices know, and the new device proves each of its transport keys before it gets into the set.
 * @throws {KeyferryError} `mac-invalid`, `statement-invalid`, `alg-not-allowed`, `possession-failed`, `declined`; `not-found` when the
 *   time is over
 */
export async function addDevice(open: OpenDevice, options: AddDeviceOptions): Promise<NewDevice> {
  await readyToSign(open)
  const { origin, user, username, trust } = open.store.seen.state()
  const secret = open.random(16)
  const began = open.now()
  const parts: Pairing = { open, calls: persistent(open.client, options.pause), options, secret }
  const created = await parts.calls.call({ method: 'POST', path: '/v1/enrolments', json: {} })
  const { id, code } = created.json(OfferShape)
  try {
    await options.show(makePairingString({ origin, user, username, log: trust.log, code, secret }))
    const claimed = await waitFor(parts, id, 'claimed', began + PAIRING_LIFETIME_SECONDS)
    const until = open.now() + CLAIMED_SECONDS
    options.report?.('claimed')
    const statement = await readClaim(parts, claimed)
    refuseUntestable(statement.payload)
    const added: NewDevice = { device: statement.kid, kind: statement.payload.kind }
    if (!(await options.confirm({ ...added, username }))) {
      throw new KeyferryError('declined', 'you did not confirm the new device')
    }
    const challenges = await answerClaim(parts, id, statement)
    options.report?.('answered')
    const proven = await waitFor(parts, id, 'proven', until)
    const answers = (proven.proof?.answers ?? []) as readonly PossessionAnswer[]
    checkPossession(answers, challenges, id, statement.kid)
    options.report?.('proven')
    if (open.now() >= until) throw new KeyferryError('not-found', 'the time for pairing is over')
    await admit({ ...open, client: parts.calls }, statement)
    return added
  } catch (error) {
    await deny(open.client, id, error, options.signal)
    throw error
  } finally {
    secret.fill(0)
  }
}

const STOPPED_THERE = 'the new device stopped'

interface Pairing {
  readonly open: OpenDevice
  readonly calls: Client
  readonly options: AddDeviceOptions
  /** `z`. */
  readonly secret: Uint8Array
}

function waitFor(
  { open, calls, options }: Pairing,
  id: EnrolmentId,
  state: EnrolmentShown['state'],
  until: EpochSeconds,
): Promise<EnrolmentShown> {
  return waitForState(calls, id, state, { ...options, until, now: open.now, denied: STOPPED_THERE })
}

/** Step 3: the mac before all else, then the whole statement. */
async function readClaim({ open, secret }: Pairing, { claim }: EnrolmentShown): Promise<Statement<DevicePayload>> {
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

/**
 * Each `enc` key is challenged, so each must be sound and of a suite that is done here. A statement with others is right (PROTOCOL 1), and
 * its device may well hold the key: this one cannot tell, and ends the pairing as `declined` before its human compares anything.
 * @throws {KeyferryError} `alg-not-allowed`, `statement-invalid`
 */
function refuseUntestable({ enc }: DevicePayload): void {
  for (const { alg, jwk } of enc) {
    if (!wrapsInSoftware(alg)) {
      const named = suiteForm(alg) === null ? 'a suite unknown to this one' : alg
      throw new KeyferryError(
        'alg-not-allowed',
        `the new device offers a transport key for ${named}, and this device cannot test whether it holds that key`,
      )
    }
    if (!transportKeyIsValid(jwk)) throw new KeyferryError('statement-invalid', 'a transport key is not valid')
  }
}

/** Step 4: tells the new device what to trust, and challenges each of its transport keys. */
async function answerClaim(
  { open, calls, secret }: Pairing,
  en: EnrolmentId,
  statement: Statement<DevicePayload>,
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
    const names = { origin, en, src: open.device.signer.id, dst: statement.kid, kid, alg: offer.alg }
    const binding = makeChallengeBinding(names)
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
  try {
    await calls.call({ method: 'PUT', path: `/v1/enrolments/${en}/answer`, json: { answer, mac } })
  } catch (error) {
    throw endedMeanwhile(error) ?? error
  }
  return secrets
}

/** What ended while the human here was asked; null if it was not that. */
function endedMeanwhile(error: unknown): KeyferryError | null {
  if (!(error instanceof KeyferryError) || error.code !== 'state-conflict') return null
  if (error.details.state === 'denied') return new KeyferryError('declined', STOPPED_THERE)
  return error.details.state === 'expired' ? new KeyferryError('not-found', 'the time for pairing is over') : null
}

/** The last checkpoint relied on; without one the log's own is verified first. */
async function lastCheckpoint(open: OpenDevice): Promise<CheckpointMark> {
  const { size, root } = open.store.seen.state().checkpoint ?? (await currentCheckpoint(open))
  return { size, root }
}

/** Step 6: the root signs the set with the new device in it. */
async function admit(open: OpenDevice, statement: Statement<DevicePayload>): Promise<void> {
  const { jwk, kind, seq } = statement.payload
  // A browser that runs pages of the origin is the server: it becomes a source only where its owner chose so after a warning.
  const roles: DeviceRole[] = kind === 'browser' ? ['target'] : ['source', 'target']
  const entry = { id: statement.kid, jwk: { ...jwk }, kind, roles, seq }
  await signNextSet(open, ({ devices }) => ({ devices: [...devices, entry] }))
}
