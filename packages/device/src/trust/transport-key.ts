import {
  asTransportJwk,
  type DevicePayload,
  type EpochSeconds,
  inTime,
  KeyferryError,
  type MinExposure,
  namedThumbprint,
  offerTakes,
  ownerOf,
  reachesExposure,
  suiteForm,
  type Thumbprint,
  type TransportJwk,
  type TransportKeyInfo,
  type TransportKeyOffer,
  transportKeyIsValid,
} from '@keyferry/protocol'
import type { OwnRecord } from './own-record.ts'
import type { LocalRules } from './trust-state.ts'

export interface ChosenKey {
  readonly alg: string
  readonly kid: Thumbprint
  readonly recipient: TransportJwk
  readonly exposure: MinExposure
}

export interface TransportKeyQuestion {
  readonly kti: TransportKeyInfo
  readonly target: DevicePayload
  /** What this device can do as source: its own statement's `wrap`. */
  readonly wrap: DevicePayload['wrap']
  readonly record: OwnRecord
  readonly now: EpochSeconds
}

/**
 * S10 for mechanism (a): the best key of the target's own statement by *my* order of suites. What the server offers as options can
 * only agree: one that lacks the best is refused, one that names a stranger's key is an attack.
 * @throws {KeyferryError} `alg-not-allowed`, `transport-key-unknown`, `transport-key-expired`, `transport-key-foreign`,
 *   `public-key-invalid`, `exposure-too-low`
 */
export function chooseTransportKey(rules: LocalRules, question: TransportKeyQuestion): ChosenKey {
  const { kti, target, record } = question
  refuseStrangers(kti, target)
  if (kti.mechanism !== 'public-key' || !record.mechanisms.includes(kti.mechanism)) {
    throw new KeyferryError('alg-not-allowed', 'my record of this key does not allow this mechanism')
  }
  const suites = rules.suites.filter(
    (alg) => record.algs.includes(alg) && question.wrap.some((entry) => entry.alg === alg),
  )
  const failures: KeyferryError[] = []
  for (const alg of suites) {
    const chosen = bestOf(alg, question, failures)
    if (chosen === null) continue
    if (offered(kti, chosen) || rules.lesserOption) {
      if (offered(kti, chosen)) return chosen
      continue
    }
    throw new KeyferryError('alg-not-allowed', 'the server left out the best key that the target offers')
  }
  throw failures[0] ?? new KeyferryError('alg-not-allowed', 'the target offers no suite that I may use for this key')
}

function refuseStrangers(kti: TransportKeyInfo, target: DevicePayload): void {
  const known = new Set(target.enc.map((offer) => namedThumbprint(offer.jwk)))
  for (const { kid } of kti.options) {
    if (kid !== undefined && !known.has(kid)) {
      throw new KeyferryError('transport-key-unknown', 'the server offered a key that the target never signed')
    }
  }
}

function offered(kti: TransportKeyInfo, chosen: ChosenKey): boolean {
  return kti.options.some((option) => option.alg === chosen.alg && option.kid === chosen.kid)
}

/** Within a suite: a `once` key that the KtI names, else the latest `nbf`; others of `once` do not count. */
function bestOf(alg: string, question: TransportKeyQuestion, failures: KeyferryError[]): ChosenKey | null {
  const { kti, target } = question
  const offers = target.enc
    .filter((offer) => offer.alg === alg)
    .filter((offer) => offer.once !== true || kti.options.some((option) => option.kid === namedThumbprint(offer.jwk)))
    .sort((a, b) => Number(b.once === true) - Number(a.once === true) || b.nbf - a.nbf)
  for (const offer of offers) {
    const failure = whyNot(offer, question)
    const recipient = asTransportJwk(offer.jwk)
    if (failure === null && recipient !== null) {
      const source = question.wrap.find((entry) => entry.alg === alg)?.exposure ?? 'software'
      return { alg, kid: namedThumbprint(offer.jwk), recipient, exposure: { source, target: offer.exposure } }
    }
    if (failure !== null) failures.push(failure)
  }
  return null
}

function whyNot(offer: TransportKeyOffer, question: TransportKeyQuestion): KeyferryError | null {
  const { kti, target, record, wrap, now } = question
  if (inTime(offer, now) !== 'in-time') {
    return new KeyferryError('transport-key-expired', 'the target has no transport key in time')
  }
  if (!offerTakes(offer, target.user, ownerOf(kti.key.id))) {
    return new KeyferryError('transport-key-foreign', 'this transport key takes the keys of another owner')
  }
  const jwk = asTransportJwk(offer.jwk)
  if (jwk === null || !transportKeyIsValid(jwk) || (suiteForm(offer.alg)?.kty ?? jwk.kty) !== jwk.kty)
    return new KeyferryError('public-key-invalid', 'the transport key is not valid')
  const source = wrap.find((entry) => entry.alg === offer.alg)?.exposure ?? 'software'
  const reaches = [kti.minExposure, record.minExposure].every(
    (minimum) => reachesExposure(source, minimum.source) && reachesExposure(offer.exposure, minimum.target),
  )
  return reaches
    ? null
    : new KeyferryError('exposure-too-low', 'source or target would expose the key more than allowed')
}
