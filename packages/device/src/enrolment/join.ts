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
  handoverRefs,
  inTime,
  isPairing,
  KeyferryError,
  namedThumbprint,
  type PairingString,
  pairingKey,
  pairingMac,
  parsePairingString,
  readEnrolmentAnswer,
  readStatement,
  type Statement,
  type Thumbprint,
  type Trust,
  thumbprint,
  type UserId,
} from '@keyferry/protocol'
import { type Client, client } from '../client/client.ts'
import { fetchConfiguration, type ServerConfiguration } from './configuration.ts'
import { type EnrolmentParts, firstStatement } from './first-device.ts'
import { type EnrolmentShown, waitForState } from './wait.ts'

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
 *   `set-invalid`, `set-expired`, `declined`
 */
export async function joinAsDevice(parts: EnrolmentParts, text: string, options: JoinOptions): Promise<Joined> {
  const pairing = parsePairingString(text)
  if (!isPairing(pairing)) throw new KeyferryError('malformed', 'this string makes a first device: use it with init')
  const { device, transport, now, random } = parts
  const configuration = await fetchConfiguration(transport, pairing.origin, now())
  /** Until step 5 answers are verified with keys that only TLS vouches for; each one used is compared then. */
  const used = new Set<Thumbprint>()
  const calls = client({
    origin: pairing.origin,
    transport,
    signer: device.signer,
    serverKey(kid) {
      const key = configuration.keys.get(kid) ?? null
      if (key !== null) used.add(kid)
      return key
    },
    now,
    random,
  })
  const statement = await firstStatement(parts, pairing.origin, pairing.user)
  const en = await claim(calls, pairing, statement)
  options.report?.('claimed')
  options.show(device.signer.id)
  try {
    const answered = await waitFor(calls, en, 'answered', options)
    options.report?.('answered')
    const { answer, set, challenges } = await checkAnswer(parts, pairing, en, statement, answered)
    for (const kid of used) {
      if (!answer.serverKeys.includes(kid)) throw new KeyferryError('response-invalid', 'the server used another key')
    }
    await prove(parts, calls, en, statement, challenges)
    options.report?.('proven')
    await waitFor(calls, en, 'approved', options)
    keep(parts, pairing, configuration, answer, set, options.label)
    parts.store.ownStatements.markDone('kf-device+jwt', statement.payload.seq)
    return { user: pairing.user, username: pairing.username, device: device.signer.id, trust: trustOf(pairing, set) }
  } catch (error) {
    await deny(calls, en, error)
    throw error
  } finally {
    pairing.secret.fill(0)
  }
}

/** Step 2. */
async function claim(calls: Client, pairing: PairingString, statement: Statement<DevicePayload>): Promise<EnrolmentId> {
  const mac = pairingMac(pairingKey('new', pairing.secret, pairing.origin), statement.text)
  const answer = await calls.call({
    method: 'POST',
    path: '/v1/enrolments/claim',
    json: { code: pairing.code, statement: statement.text, mac },
  })
  return answer.json<{ id: EnrolmentId }>().id
}

async function waitFor(
  calls: Client,
  en: EnrolmentId,
  state: EnrolmentShown['state'],
  options: JoinOptions,
): Promise<EnrolmentShown> {
  const shown = await waitForState(calls, en, [state], options.signal)
  if (shown?.state === state) return shown
  if (shown?.state === 'denied') throw new KeyferryError('declined', 'the other device did not confirm this one')
  throw new KeyferryError('not-found', 'the time for pairing is over')
}

interface CheckedAnswer {
  readonly answer: EnrolmentAnswer
  readonly set: Statement<DeviceSetPayload>
  readonly challenges: readonly CheckedChallenge[]
}

/** Step 5: the mac before all else, then who and what, then the set under the root id of the string. */
async function checkAnswer(
  { device, now }: EnrolmentParts,
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
  calls: Client,
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
        users: [
          {
            user: pairing.user,
            seq: set.payload.seq,
            ref: set.ref,
            handovers: handoverRefs(set),
            root: thumbprint(set.payload.root),
            hadTrust: set.payload.trust !== undefined,
          },
        ],
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

const DENIALS: ReadonlySet<string> = new Set(['mac-invalid', 'statement-invalid', 'possession-failed'])

async function deny(calls: Client, en: EnrolmentId, error: unknown): Promise<void> {
  if (!(error instanceof KeyferryError)) return
  const reason = DENIALS.has(error.code) ? error.code : 'declined'
  try {
    await calls.call({ method: 'POST', path: `/v1/enrolments/${en}/denial`, json: { reason } })
  } catch {
    // It has ended already, or nobody is there to hear: it expires by itself.
  }
}
