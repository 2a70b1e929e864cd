import * as z from 'zod'
import { KeyferryError, withErrorCode } from '../errors.ts'
import type { Ref, Thumbprint } from '../ids/ids.ts'
import { type JwsParts, readJws, signJws, type UnverifiedJws, verifyJws } from '../jose/jws.ts'
import type { Signer } from '../jose/signer.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { type Ext, ExtShape, readStrictly } from '../json/shapes.ts'
import { type KeyTransferInfo, readKeyTransferInfo } from './key-transfer-info.ts'
import type { NamedJwk } from './named-jwk.ts'
import { type OrderPayload, orderStatement } from './order.ts'
import { soundSigningKey } from './signing-key.ts'
import { readStatement, type Statement } from './statement.ts'
import { type WrappedKey, WrappedKeyShape } from './wrapped-key.ts'

export const ENVELOPE_TYP = 'kf-envelope+jws'

/** The payload of `kf-envelope+jws` (PROTOCOL 8, 5.). */
export interface EnvelopePayload {
  v: 1
  /** Compact JWS. */
  order: string
  /** b64u of B. */
  binding: string
  wrapped: WrappedKey
  ext?: Ext
}

/** An envelope read strictly; only {@link verifyEnvelope} says whether the source signed it. */
export interface Envelope {
  /** As received: stored and handed on unchanged. */
  readonly octets: Uint8Array
  /** The envelope digest. */
  readonly ref: Ref
  /** Thumbprint of the key that is said to have signed. */
  readonly kid: Thumbprint
  readonly jws: UnverifiedJws
  readonly payload: EnvelopePayload
  readonly wrapped: WrappedKey
  /** B. */
  readonly binding: Uint8Array
  /** Read when first asked for, so that the first failing check of PROTOCOL 9 decides. Throws `order-invalid`. */
  readonly order: Statement<OrderPayload>
  /** B as KTI, read when first asked for. Throws `binding-mismatch`. */
  readonly kti: KeyTransferInfo
}

const FlattenedShape: z.ZodType<JwsParts> = z.strictObject({
  payload: z.string(),
  protected: z.string(),
  signature: z.string(),
})

const EnvelopePayloadShape: z.ZodType<EnvelopePayload> = z.strictObject({
  v: z.literal(1),
  order: z.string(),
  binding: z.string(),
  wrapped: WrappedKeyShape,
  ext: ExtShape.exactOptional(),
})

class ReadEnvelope implements Envelope {
  readonly octets: Uint8Array
  readonly jws: UnverifiedJws
  readonly payload: EnvelopePayload
  readonly binding: Uint8Array
  #order: Statement<OrderPayload> | undefined
  #kti: KeyTransferInfo | undefined

  constructor(octets: Uint8Array, jws: UnverifiedJws, payload: EnvelopePayload, binding: Uint8Array) {
    this.octets = octets
    this.jws = jws
    this.payload = payload
    this.binding = binding
  }

  get ref(): Ref {
    return this.jws.ref
  }

  get kid(): Thumbprint {
    return this.jws.kid
  }

  get wrapped(): WrappedKey {
    return this.payload.wrapped
  }

  get order(): Statement<OrderPayload> {
    this.#order ??= readStatement(orderStatement, this.payload.order)
    return this.#order
  }

  get kti(): KeyTransferInfo {
    this.#kti ??= readKeyTransferInfo(this.binding)
    return this.#kti
  }
}

/**
 * Reads an envelope strictly: JWS flattened JSON and its payload. It is NOT verified.
 * @throws {KeyferryError} `envelope-malformed`
 */
export function readEnvelope(octets: Uint8Array): Envelope {
  const parts = readStrictly(FlattenedShape, octets, 'envelope-malformed')
  if (!parts.protected || !parts.payload || !parts.signature) {
    throw new KeyferryError('envelope-malformed', 'a part is empty')
  }
  const jws = readJws(parts, ENVELOPE_TYP, 'envelope-malformed')
  const payload = readStrictly(EnvelopePayloadShape, jws.payload, 'envelope-malformed')
  const binding = withErrorCode('envelope-malformed', () => fromBase64url(payload.binding))
  return new ReadEnvelope(octets, jws, payload, binding)
}

export interface EnvelopeParts {
  /** Compact JWS. */
  order: string
  /** B. */
  binding: Uint8Array
  wrapped: WrappedKey
}

/** Signs what the source sends: the octets of an envelope, to be persisted before they are sent (PROTOCOL 9.1, S13). */
export async function signEnvelope(signer: Signer, parts: EnvelopeParts): Promise<Uint8Array> {
  const payload: EnvelopePayload = {
    v: 1,
    order: parts.order,
    binding: toBase64url(parts.binding),
    wrapped: parts.wrapped,
  }
  const octets = utf8(JSON.stringify(payload))
  readStrictly(EnvelopePayloadShape, octets, 'envelope-malformed')
  const jws = await signJws(signer, ENVELOPE_TYP, octets)
  return utf8(JSON.stringify({ payload: jws.payload, protected: jws.protected, signature: jws.signature }))
}

/** Whether the source's key made the signature. */
export async function verifyEnvelope(envelope: Envelope, jwk: NamedJwk): Promise<boolean> {
  const key = soundSigningKey(jwk)
  return key !== null && verifyJws(envelope.jws, key)
}
