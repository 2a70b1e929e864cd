import { fromCrockford, toCrockford } from '../../packages/protocol/src/ids/crockford.ts'
import {
  contentDigest,
  kbkdf,
  pairingKey,
  sha256,
  thumbprint,
  toBase64url,
  utf8,
} from '../../packages/protocol/src/index.ts'
import {
  assertEqual,
  ca,
  luisRoot,
  luisTablet,
  martaPhone,
  martaPhoneEnc,
  martaRoot,
  ORIGIN,
  secretOf,
  server,
} from './example.ts'
import { binding } from './story.ts'
import type { VectorFile } from './vector-file.ts'

const counting = (octets: number): Uint8Array => Uint8Array.from({ length: octets }, (_, i) => i)

/** The KTI of PROTOCOL 7, whose sets and checkpoint are made up: 949 octets. */
const kti7 = JSON.stringify({
  ...binding,
  srcSet: 'QNYpyzsC2C4ZY5azmm8VzcQzRjrDyXIipqgq8XrGpto',
  dstSet: 'a2eXxbP-ZRLAmAJogdlmnvPVgpapOPyVBT9L4F54AsA',
  dstStatement: 'Q0yLWIfo7iliSJr4tCe9CBz5M5ArtQqvsZDghrKc6yw',
  checkpoint: { size: 5120, root: '_O8tyW_sKbjUuigjex6BcECLUQjJ_GOj3qLKwX-XxqA' },
})

type Label = 'keyferry/1 delivery-key' | 'keyferry/1 device-key' | 'keyferry/1 container-secret'
const kbkdfCases: { label: Label; key: Uint8Array; context: Uint8Array }[] = [
  { label: 'keyferry/1 delivery-key', key: counting(32), context: new Uint8Array(32) },
  { label: 'keyferry/1 device-key', key: counting(32), context: utf8('meter 4711') },
  {
    label: 'keyferry/1 delivery-key',
    key: kbkdf(counting(32), 'keyferry/1 device-key', utf8('meter 4711')),
    context: new Uint8Array(32),
  },
  { label: 'keyferry/1 delivery-key', key: counting(32), context: sha256(utf8(kti7)) },
  {
    label: 'keyferry/1 container-secret',
    key: new Uint8Array(32).fill(0x42),
    context: fromCrockford('35kbawdrad69570rfkfhyy361v'),
  },
]

interface Derivations {
  crockford: { hex: string; digits: string }[]
  keys: { name: string; privateHex: string; jwk: unknown; thumbprint: string }[]
  kbkdf: { label: Label; keyHex: string; contextHex: string; outputHex: string }[]
  pairingKeys: { secretHex: string; origin: string; k1Hex: string; k2Hex: string }
  kti: { text: string; octets: number; sha256: string }
  contentDigest: { content: string; header: string }
}

export const derivations: VectorFile<Derivations> = {
  name: 'derivations',
  async make() {
    const signers = [luisRoot, luisTablet, martaRoot, martaPhone, server, ca]
    return {
      crockford: [counting(16), new Uint8Array(16).fill(255), new Uint8Array(16)].map((octets) => ({
        hex: octets.toHex(),
        digits: toCrockford(octets),
      })),
      keys: [...signers.map((one) => ({ ...one, kid: one.id })), martaPhoneEnc].map(({ name, jwk, kid }) => ({
        name,
        privateHex: secretOf(name).toHex(),
        jwk,
        thumbprint: kid,
      })),
      kbkdf: kbkdfCases.map(({ label, key, context }) => ({
        label,
        keyHex: key.toHex(),
        contextHex: context.toHex(),
        outputHex: kbkdf(key, label, context).toHex(),
      })),
      pairingKeys: {
        secretHex: counting(16).toHex(),
        origin: ORIGIN,
        k1Hex: pairingKey('new', counting(16), ORIGIN).toHex(),
        k2Hex: pairingKey('answer', counting(16), ORIGIN).toHex(),
      },
      kti: { text: kti7, octets: utf8(kti7).length, sha256: toBase64url(sha256(utf8(kti7))) },
      contentDigest: { content: '{}', header: contentDigest(utf8('{}')) },
    }
  },
  async check(vectors) {
    for (const { hex, digits } of vectors.crockford) assertEqual(fromCrockford(digits).toHex(), hex, 'crockford')
    for (const { jwk, thumbprint: id } of vectors.keys) {
      assertEqual(thumbprint(jwk as Parameters<typeof thumbprint>[0]), id, 'thumbprint')
    }
    for (const { label, keyHex, contextHex, outputHex } of vectors.kbkdf) {
      const output = kbkdf(Uint8Array.fromHex(keyHex), label, Uint8Array.fromHex(contextHex))
      assertEqual(output.toHex(), outputHex, 'kbkdf')
    }
    // The appendix of PROTOCOL.
    assertEqual(vectors.crockford[0]?.digits, '00041061050r3gg28a1c60t3gf', 'appendix: digits')
    assertEqual(
      vectors.kbkdf.slice(0, 3).map(({ outputHex }) => outputHex),
      [
        '5e9ce01e241ef39351ccd2155e8213ef5cb03f2fd2f0a36a71402d6be190e1b2',
        'ed67eb700bad74e025820957b55a6c74dff976ba9191f10993cf0497c1c4f815',
        'ce08e4df84295168c1fab6b97e483204fb22cc4e0af6ded1aed24fe31109a0d0',
      ],
      'appendix: (b), (c)',
    )
    const k1 = 'fbc6c38aed5a0bf00cd3c82949fc8cd283723fa3a9176aa6f9b2f1c76606c49d'
    assertEqual(vectors.pairingKeys.k1Hex, k1, 'appendix: K1')
    assertEqual(vectors.kti.octets, 949, 'section 7: octets of the KTI')
    assertEqual(vectors.kti.sha256, 'j3xBK6pp0KjiLP88smxa7r4KB333AHbdFliAzOrKev0', 'section 7: digest of the KTI')
    const digest = 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:'
    assertEqual(vectors.contentDigest.header, digest, 'section 4: content digest')
  },
}
