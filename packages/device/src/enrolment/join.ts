import {
  type CheckedChallenge,
  checkDeviceSet,
  checkEnrolmentAnswer,
  checkPairingMac,
  type DeviceId,
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  type EnrolmentAnswer,
  type EnrolmentId,
  idShape,
  inTime,
  isPairing,
  KeyferryError,
  namedThumbprint,
  type PairingString,
  type PublicSigningJwk,
  pairingKey,
  pairingMac,
  parsePairingString,
  readEnrolmentAnswer,
  readStatement,
  type Statement,
  type Thumbprint,
  type Trust,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Client, client } from '../client/client.ts'
import { deviceTime } from '../open-device.ts'
import { seenOf } from '../trust/seen-set.ts'
import { fetchConfiguration, type ServerConfiguration } from './configuration.ts'
import { deny } from './deny.ts'
import { type EnrolmentParts, firstStatement } from './first-device.ts'
import { persistent } from './persistent.ts'
import { CLAIMED_SECONDS, type EnrolmentShown, waitForState } from './wait.ts'

export interface Joined {
  readonly user: UserId
  readonly username: string
  readonly device: DeviceId
  readonly trust: Trust
}

export interface JoinOptions {
  readonly label: string
  /** Shows what the other device must show too. */
  readonly show: (device: DeviceId) => void
  readonly report?: (step: 'claimed' | 'answered' | 'proven') => void
  readonly signal?: AbortSignal
}

/**
 * Joins as a further device of somebody: the part of N in PROTOCOL 3. What it is to trust comes under a mac of the other device, past the
 * server. Use a profile of its own: if this fails, all of it is forgotten and made anew for the next try.
 * @throws {KeyferryError} `malformed`, `not-found`, `mac-invalid`, `statement-invalid`, `possession-failed`, `response-invalid`,
 *   `set-invalid`, `set-expired`, `declined`; `state-conflict` in a profile that was used before
 */
export async function joinAsDevice(given: EnrolmentParts, text: string, options: JoinOptions): Promise<Joined> {
  const pairing = parsePairingString(text)
  if (!isPairing(pairing)) throw new KeyferryError('malformed', 'this string makes a first device: use it with init')
  const { store, device, transport, random } = given
  if (store.ownStatements.newest('kf-device+jwt') !== null) {
    throw new KeyferryError('state-conflict', 'a device that joins again makes all its keys anew: use a fresh profile')
  }
  const now = deviceTime(store, given.now)
  const parts: EnrolmentParts = { ...given, now }
  const configuration = await fetchConfiguration(transport, pairing.origin, now())
  const keys = untilVouchedFor(configuration)
  const calls = persistent(
    client({ origin: pairing.origin, transport, signer: device.signer, serverKey: keys.find, now, random }),
    given.pause,
  )
  const statement = await firstStatement(parts, pairing.origin, pairing.user)
  // Before the other device can ask its human about it.
  options.show(device.signer.id)
  const en = await claim(calls, pairing, statement)
  const waiting = {
    ...options,
    ...(given.pause === undefined ? {} : { pause: given.pause }),
    until: now() + CLAIMED_SECONDS,
    now,
  }
  options.report?.('claimed')
  const denied = 'the other device did not confirm this one'
  try {
    const answered = await waitForState(calls, en, 'answered', { ...waiting, denied })
    const { answer, set, challenges } = await checkAnswer(parts, pairing, en, statement, answered)
    keys.restrict(answer.serverKeys)
    options.report?.('answered')
    await prove(parts, calls, en, statement, challenges)
    options.report?.('proven')
    await waitForState(calls, en, 'approved', { ...waiting, denied })
    keep(parts, pairing, configuration, answer, set, options.label)
    return { user: pairing.user, username: pairing.username, device: device.signer.id, trust: trustOf(pairing, set) }
  } catch (error) {
    await deny(calls, en, error, options.signal)
    throw error
  } finally {
    pairing.secret.fill(0)
  }
}

interface VouchedKeys {
  readonly find: (kid: Thumbprint) => PublicSigningJwk | null
  /** @throws {KeyferryError} `response-invalid` if an answer before was verified with another key */
  restrict(vouchedFor: readonly Thumbprint[]): void
}

/**
 * Until step 5 answers are verified with keys that only TLS vouches for; then each one used must be among those that the other device
 * named, and no other counts any more.
 */
function untilVouchedFor({ keys, signedBy }: ServerConfiguration): VouchedKeys {
  const used = new Set<Thumbprint>([signedBy])
  let allowed: ReadonlySet<Thumbprint> | null = null
  return {
    find(kid) {
      const key = keys.get(kid) ?? null
      if (key === null || (allowed !== null && !allowed.has(kid))) return null
      used.add(kid)
      return key
    },
    restrict(vouchedFor) {
      allowed = new Set(vouchedFor)
      for (const kid of used) {
        if (!allowed.has(kid)) throw new KeyferryError('response-invalid', 'the server used another key')
      }
    },
  }
}

/** Step 2. */
async function claim(
  calls: Pick<Client, 'call'>,
  pairing: PairingString,
  statement: Statement<DevicePayload>,
): Promise<EnrolmentId> {
  const mac = pairingMac(pairingKey('new', pairing.secret, pairing.origin), statement.text)
  const answer = await calls.call({
    method: 'POST',
    path: '/v1/enrolments/claim',
    json: { code: pairing.code, statement: statement.text, mac },
  })
  return answer.json(z.looseObject({ id: idShape('en') })).id
}

interface CheckedAnswer {
  readonly answer: EnrolmentAnswer
  readonly set: Statement<DeviceSetPayload>
  readonly challenges: readonly CheckedChallenge[]
}

/** Step 5: the mac before all else, then who and what, then the set under the root id of the string. */
async function checkAnswer(
  { store, device, now }: EnrolmentParts,
  pairing: PairingString,
  en: EnrolmentId,
  statement: Statement<DevicePayload>,
  shown: EnrolmentShown,
): Promise<CheckedAnswer> {
  if (shown.answer === undefined || shown.set === undefined) {
    throw new KeyferryError('statement-invalid', 'the server shows no answer')
  }
  checkPairingMac(pairingKey('answer', pairing.secret, pairing.origin), shown.answer.answer, shown.answer.mac)
  const answer = readEnrolmentAnswer(shown.answer.answer)
  const set = readStatement(deviceSetStatement, shown.set)
  const challenges = checkEnrolmentAnswer(answer, expectation(pairing, en, statement, set, device.signer.id))
  await checkDeviceSet(set, { origin: pairing.origin, user: pairing.user })
  // A set of the own user, verified: this device's time is not before it (PROTOCOL 1).
  store.clock.raise(set.payload.iat)
  if (inTime(set.payload, now()) !== 'in-time') throw new KeyferryError('set-expired', 'the set is out of time')
  if (set.payload.trust !== undefined && set.payload.trust.log !== pairing.log) {
    throw new KeyferryError('set-invalid', 'the set trusts another log than the string')
  }
  return { answer, set, challenges }
}

function expectation(
  pairing: PairingString,
  en: EnrolmentId,
  statement: Statement<DevicePayload>,
  set: Statement<DeviceSetPayload>,
  me: DeviceId,
): Parameters<typeof checkEnrolmentAnswer>[1] {
  return {
    origin: pairing.origin,
    en,
    statement: statement.ref,
    set: set.ref,
    me,
    enc: new Map(statement.payload.enc.map((offer) => [namedThumbprint(offer.jwk), offer.alg])),
    listed: new Set(set.payload.devices.map(({ id }) => id)),
  }
}

async function prove(
  { device }: EnrolmentParts,
  calls: Pick<Client, 'call'>,
  en: EnrolmentId,
  statement: Statement<DevicePayload>,
  challenges: readonly CheckedChallenge[],
): Promise<void> {
  if (challenges.length !== statement.payload.enc.length) {
    throw new KeyferryError('possession-failed', 'not each transport key was challenged')
  }
  const answers = []
  for (const { kid, alg, wrapped, bindingOctets } of challenges) {
    answers.push({ kid, mac: await device.provePossession({ alg, kid, wrapped, binding: bindingOctets, en }) })
  }
  await calls.call({ method: 'PUT', path: `/v1/enrolments/${en}/proof`, json: { answers } })
}

function trustOf(pairing: PairingString, set: Statement<DeviceSetPayload>): Trust {
  return set.payload.trust ?? { cas: [], witnesses: [], quorum: 0, log: pairing.log }
}

/** The trust file of a device begins with what the other one vouched for. */
function keep(
  { store, device, now }: EnrolmentParts,
  pairing: PairingString,
  configuration: ServerConfiguration,
  answer: EnrolmentAnswer,
  set: Statement<DeviceSetPayload>,
  label: string,
): void {
  const at = now()
  store.transaction(() => {
    for (const { typ, seq } of store.ownStatements.unsent()) store.ownStatements.markDone(typ, seq)
    store.identity.put({
      origin: pairing.origin,
      user: pairing.user,
      username: pairing.username,
      device: device.signer.id,
      kind: device.kind,
      label,
      joinedAt: at,
    })
    store.anchors.put(trustOf(pairing, set))
    for (const id of answer.serverKeys) {
      store.serverKeys.put({ id, jwk: configuration.keys.get(id) ?? null, since: at })
    }
    store.seen.commit(
      store.seen.state(),
      {
        users: [seenOf(set, null)],
        devices: [],
        names: [],
        pins: [],
        // The other device relied on it; its signed note was not sent along.
        checkpoint: { note: '', ...answer.checkpoint },
        trust: set.payload.trust ?? null,
      },
      new Map([[set.ref, set.text]]),
    )
  })
}
