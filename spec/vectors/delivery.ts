import {
  checkInclusion,
  checkReceipt,
  checkWrapped,
  deviceSetStatement,
  deviceStatement,
  fromBase64url,
  hpke7,
  isWrappedJwe,
  makeLeaf,
  openBundle,
  orderEqualsKeyTransferInfo,
  orderEqualsKti,
  readCheckpoint,
  readEnvelope,
  readKeyTransferAnswer,
  readStatement,
  readTransportKeyInfo,
  receiptStatement,
  sha256,
  toBase64url,
  type UserId,
  unwrapKey,
  utf8,
  verifyEnvelope,
} from '../../packages/protocol/src/index.ts'
import { writePaddedKey } from '../../packages/protocol/src/suites/padded-key.ts'
import { wrappedAad } from '../../packages/protocol/src/suites/wrapped.ts'
import {
  assert,
  assertEqual,
  KEY_OCTETS,
  luisTablet,
  martaPhone,
  martaPhoneEnc,
  ORIGIN,
  secretOf,
  transportKey,
} from './example.ts'
import * as story from './story.ts'
import type { VectorFile } from './vector-file.ts'

/** One delivery with HPKE-7, from KtI to receipt. Texts stand as their octets travel. */
interface DeliveryVectors {
  kti: string
  order: string
  binding: { text: string; b64u: string; sha256: string }
  padded: { keyOctetsHex: string; hex: string }
  seal: {
    recipient: { kid: string; privateHex: string }
    ephemeral: { privateHex: string; jwk: unknown }
    aad: string
  }
  envelope: { text: string; ref: string; protected: string; wrapped: unknown }
  t2: string
  receipt: string
}

export const delivery: VectorFile<DeliveryVectors> = {
  name: 'delivery',
  async make() {
    const { wrapped, envelope, bindingOctets } = story
    return {
      kti: JSON.stringify(story.kti),
      order: story.order.text,
      binding: {
        text: new TextDecoder().decode(bindingOctets),
        b64u: toBase64url(bindingOctets),
        sha256: toBase64url(sha256(bindingOctets)),
      },
      padded: { keyOctetsHex: KEY_OCTETS.toHex(), hex: writePaddedKey(KEY_OCTETS, bindingOctets).toHex() },
      seal: {
        recipient: { kid: martaPhoneEnc.kid, privateHex: martaPhoneEnc.scalar.toHex() },
        ephemeral: { privateHex: secretOf(story.EPHEMERAL).toHex(), jwk: transportKey(story.EPHEMERAL).jwk },
        aad: new TextDecoder().decode(wrappedAad(wrapped.protected, bindingOctets)),
      },
      envelope: {
        text: new TextDecoder().decode(story.envelopeOctets),
        ref: envelope.ref,
        protected: new TextDecoder().decode(fromBase64url(wrapped.protected)),
        wrapped,
      },
      t2: JSON.stringify(story.t2Answer),
      receipt: story.receipt.text,
    }
  },

  async check(vectors) {
    const kti = readTransportKeyInfo(utf8(vectors.kti))
    const bundle = openBundle(kti.statements, 'kti-invalid')
    assert(bundle.get(deviceSetStatement, kti.source.set) !== null, 'KtI: set of the source')
    assert(bundle.get(deviceStatement, kti.target.statement) !== null, 'KtI: statement of the target')
    const leaf = { typ: 'kf-device-set+jwt', ref: kti.target.set, user: kti.target.user } as const
    checkInclusion(makeLeaf(ORIGIN, leaf), kti.proofs[kti.target.set], readCheckpoint(kti.checkpoint))

    const envelope = readEnvelope(utf8(vectors.envelope.text))
    assert(await verifyEnvelope(envelope, luisTablet.jwk), 'envelope: signature')
    assertEqual(envelope.ref, vectors.envelope.ref, 'envelope: ref')
    assertEqual(envelope.order.text, vectors.order, 'envelope: order')
    assertEqual(toBase64url(sha256(envelope.binding)), vectors.binding.sha256, 'envelope: binding')
    assert(orderEqualsKti(envelope.order.payload, kti), 'the order equals the KtI')
    assert(orderEqualsKeyTransferInfo(envelope.order.payload, envelope.kti), 'the order equals the KTI')
    checkWrapped(envelope.wrapped, envelope.kti)

    const privateOctets = Uint8Array.fromHex(vectors.seal.recipient.privateHex)
    const pair = await hpke7.importKeyPair(martaPhoneEnc.jwk, privateOctets)
    const question = { alg: 'HPKE-7', pair, wrapped: envelope.wrapped, binding: envelope.binding, type: 'age' } as const
    assertEqual((await unwrapKey(question)).toHex(), vectors.padded.keyOctetsHex, 'the wrapped key opens')
    const { wrapped } = envelope
    assert(isWrappedJwe(wrapped), 'HPKE-7 makes a JWE')
    const sealed = {
      encryptedKey: fromBase64url(wrapped.encrypted_key),
      ciphertext: fromBase64url(wrapped.ciphertext),
    }
    const padded = await hpke7.open(pair, sealed, utf8(vectors.seal.aad))
    assertEqual(padded.toHex(), vectors.padded.hex, 'P')

    const t2 = readKeyTransferAnswer(utf8(vectors.t2))
    assertEqual([t2.envelope, t2.binding], [envelope.ref, vectors.binding.b64u], 'T2 names the envelope')
    const head = readCheckpoint(t2.checkpoint)
    const owner = envelope.kti.key.id.slice(0, 43) as UserId
    const logged = { typ: 'kf-envelope+jws', ref: envelope.ref, owner, dl: envelope.kti.dl } as const
    checkInclusion(makeLeaf(ORIGIN, logged), t2.proofs[envelope.ref], head)

    const receipt = readStatement(receiptStatement, vectors.receipt)
    const { origin, tr, dl, attempt, key, order, dst } = envelope.kti
    const facts = { origin, tr, dl, attempt, key, order, dst, envelope: envelope.ref }
    await checkReceipt(receipt, facts, martaPhone.jwk)
  },
}
