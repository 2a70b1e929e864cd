import {
  type EpochSeconds,
  type KeyTransferInfo,
  type OrderPayload,
  readCheckpoint,
  type Signer,
  type Statement,
  signEnvelope,
  type TransportKeyInfo,
  toBase64url,
  utf8,
  type WrappedKey,
  wrapKey,
} from '@keyferry/protocol'
import { anOrder, type TestDevice } from './builders.ts'
import { NOW } from './fake-clock.ts'

/** The key that travels unless a test says otherwise. */
export const KEY_OCTETS: Uint8Array = new Uint8Array(32).fill(5)

/** What differs from what an honest source makes. */
export interface EnvelopeOptions {
  readonly at?: EpochSeconds
  readonly keyOctets?: Uint8Array
  readonly order?: Partial<OrderPayload>
  /** Signs the order instead of the source. */
  readonly orderer?: Signer
  /** Instead of one made here. */
  readonly orderText?: Statement<OrderPayload>
  readonly kti?: Partial<KeyTransferInfo>
  /** Signs the envelope instead of the source. */
  readonly signer?: Signer
  readonly wrapped?: (wrapped: WrappedKey) => WrappedKey
}

export interface TestEnvelope {
  readonly octets: Uint8Array
  readonly order: Statement<OrderPayload>
}

/** The order that an orderer, most often the source, makes of a transport-key information. */
export function anOrderFor(
  signer: Signer,
  info: TransportKeyInfo,
  members: Partial<OrderPayload> = {},
  at: EpochSeconds = NOW,
): Promise<Statement<OrderPayload>> {
  const [option] = info.options
  return anOrder(
    signer,
    {
      tr: info.tr,
      dl: info.dl,
      attempt: info.attempt,
      key: info.key,
      src: info.source.device,
      dst: info.target.device,
      dstUser: info.target.user,
    },
    {
      ...(info.container === undefined ? {} : { container: info.container }),
      ...(info.username === undefined ? {} : { username: info.username }),
      ...(info.nonce === undefined ? {} : { nonce: info.nonce }),
      ...(option?.kid === undefined ? {} : { kid: option.kid }),
      minExposure: info.minExposure,
      redelivery: info.redelivery,
      exp: info.deadline,
      ...members,
    },
    at,
  )
}

/** Order, KTI and envelope as the source makes them of a transport-key information (PROTOCOL 8), with whatever `options` spoil. */
export async function anEnvelopeFor(
  { source, target }: { readonly source: TestDevice; readonly target: TestDevice },
  info: TransportKeyInfo,
  options: EnvelopeOptions = {},
): Promise<TestEnvelope> {
  const at = options.at ?? NOW
  const order = options.orderText ?? (await anOrderFor(options.orderer ?? source.signer, info, options.order, at))
  const { iss: _, grant: __, minExposure: ___, redelivery: ____, ...shared } = order.payload
  const { size, root } = readCheckpoint(info.checkpoint)
  const kti: KeyTransferInfo = {
    ...shared,
    order: order.ref,
    exposure: 'software',
    srcSet: info.source.set,
    dstSet: info.target.set,
    dstStatement: info.target.statement,
    checkpoint: { size, root: toBase64url(root) },
    iat: at,
    nonce: order.payload.nonce ?? toBase64url(new Uint8Array(16)),
    ...options.kti,
  }
  const binding = utf8(JSON.stringify(kti))
  const { jwk: recipient, kid } = target.transport
  const keyOctets = options.keyOctets ?? KEY_OCTETS
  const wrapped = await wrapKey({ alg: 'HPKE-7', recipient, kid, keyOctets, binding })
  const octets = await signEnvelope(options.signer ?? source.signer, {
    order: order.text,
    binding,
    wrapped: options.wrapped?.(wrapped) ?? wrapped,
  })
  return { octets, order }
}
