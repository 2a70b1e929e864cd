import {
  asSigningJwk,
  checkContentDigest,
  checkRequestTime,
  type EpochSeconds,
  type HttpRequestParts,
  KeyferryError,
  type PublicSigningJwk,
  readRequestSignature,
  type SignedRequestFacts,
  type Thumbprint,
  thumbprint,
  verifySignature,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Challenges } from './challenges.ts'
import type { SpentNonces } from './nonces.ts'

export interface SignedRequest {
  readonly parts: HttpRequestParts
  /** As received. */
  readonly content: Uint8Array
  /** Called with the facts as soon as they could be read, so that a refusal too is bound to the request. */
  readonly onRead: (facts: SignedRequestFacts) => void
  /** Looks for the key of a newcomer where this request may have one. */
  readonly newcomerKey?: (keyid: Thumbprint) => Promise<PublicSigningJwk | null>
}

/** Tells who signed a request (PROTOCOL 4). */
export type Authenticate = (request: SignedRequest) => Promise<Caller>

interface Signatory {
  readonly jwk: PublicSigningJwk
  readonly caller: Caller
}

export interface AuthenticationParts {
  readonly context: Pick<ServerContext, 'read' | 'statements' | 'clock'>
  readonly nonces: SpentNonces
  readonly challenges: Challenges
}

/**
 * Cheap checks first; a nonce is spent only by a valid signature, so nobody can burn another's.
 *
 * Spent nonces live in memory. Which ones were spent before this process started is unknown, so a request made before that is
 * refused as `signature-expired`: else whoever saw one could send it again after a restart. The device simply signs anew.
 * (What a device whose clock is ahead signed just before the restart passes; 60 s is the most that clocks may differ.)
 */
export function authenticator({ context, nonces, challenges }: AuthenticationParts): Authenticate {
  const startedAt = context.clock.now()
  const findSignatory = signatories(context)
  return async ({ parts, content, onRead, newcomerKey }) => {
    const facts = readRequestSignature(parts, content.length > 0)
    onRead(facts)
    const now = context.clock.now()
    checkTime(facts, now)
    checkContentDigest(digestOf(parts), content)
    if (nonces.has(facts.keyid, facts.nonce)) throw replayed()
    const { jwk, caller } = (await findSignatory(facts.keyid)) ?? (await newcomer(facts.keyid, newcomerKey))
    if (!(await verifySignature(jwk, facts.signature, facts.base))) {
      throw new KeyferryError('signature-invalid', 'the signature does not verify')
    }
    if (!nonces.spend(facts.keyid, facts.nonce, now)) throw replayed()
    refuseDisabled(caller)
    return caller
  }

  function checkTime(facts: SignedRequestFacts, now: EpochSeconds): void {
    // A nonce of ours replaces the time check. It is good for one device: whose, is known only now.
    if (challenges.isFresh(facts.nonce, now)) {
      if (!nonces.spend(CHALLENGED, facts.nonce, now)) throw replayed()
      return
    }
    checkRequestTime(facts, now)
    if (facts.created < startedAt) {
      throw new KeyferryError('signature-expired', 'the request was signed before the server started')
    }
  }
}

/** In place of a keyid: a challenge is for single use by anybody. */
const CHALLENGED = 'challenge' as Thumbprint

async function newcomer(keyid: Thumbprint, find: SignedRequest['newcomerKey']): Promise<Signatory> {
  const jwk = await find?.(keyid)
  if (!jwk || thumbprint(jwk) !== keyid) throw new KeyferryError('key-unknown', 'no key with this thumbprint is known')
  return { jwk, caller: { type: 'newcomer', keyid } }
}

function signatories(
  context: Pick<ServerContext, 'read' | 'statements'>,
): (keyid: Thumbprint) => Promise<Signatory | null> {
  // Keys are imported once per JWK object, so the same object has to come back (by id and version: a few hundred at most).
  const applicationKeys = new Map<string, PublicSigningJwk>()
  return async (keyid) => {
    const device = await context.read.deviceByKey(keyid)
    if (device !== null) {
      const { payload } = await context.statements.device(device.statementRef)
      const own = device.id === keyid
      const named = own ? payload.jwk : payload.access
      const jwk = named === undefined ? null : asSigningJwk(named)
      if (jwk === null) return null
      return { jwk, caller: { type: 'device', device, keyid, method: own ? 'device-signature' : 'access-signature' } }
    }
    const application = await context.read.application(keyid)
    if (application === null) return null
    let jwk = applicationKeys.get(application.jwk)
    if (jwk === undefined) {
      jwk = JSON.parse(application.jwk) as PublicSigningJwk
      applicationKeys.set(application.jwk, jwk)
    }
    return { jwk, caller: { type: 'application', application } }
  }
}

function refuseDisabled(caller: Caller): void {
  if (caller.type !== 'device') return
  if (caller.device.state === 'revoked')
    throw new KeyferryError('device-revoked', 'the device is in no set of its user')
  if (caller.device.suspended !== null) throw new KeyferryError('device-suspended', 'the device is suspended')
}

function digestOf(parts: HttpRequestParts): string | undefined {
  return typeof parts.headers === 'function' ? parts.headers('content-digest') : parts.headers['content-digest']
}

function replayed(): KeyferryError {
  return new KeyferryError('nonce-replayed', 'the nonce was used before')
}
