import {
  AEAD_AES_256_GCM,
  CipherSuite,
  type CryptoKey,
  KDF_HKDF_SHA256,
  KEM_DHKEM_P256_HKDF_SHA256,
  type KEMFactory,
} from 'hpke'
import { KeyferryError } from '../errors.ts'
import type { TransportJwk } from '../jose/jwk.ts'
import { concatOctets, fromBase64url, toBase64url } from '../json/base64url.ts'
import { exportP256PrivateKey, importP256PrivateKey } from './p256-private-key.ts'
import type { JweSuite } from './suite.ts'
import { unwrapFailed } from './unwrap-failed.ts'

/** SEC 1 prefix of an uncompressed point. */
const UNCOMPRESSED = 4
const COORDINATE_OCTETS = 32

/**
 * `HPKE-7`: HPKE in base mode (RFC 9180), DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-256-GCM 0x0002, `info`
 * empty (PROTOCOL 8, draft-ietf-jose-hpke-encrypt). `encryptedKey` has 65 octets (Nenc), `ciphertext` 16 more than the
 * plaintext (Nt).
 */
export const hpke7: JweSuite = makeHpke7(KEM_DHKEM_P256_HKDF_SHA256)

/** The suite over a given KEM: tests fix the ephemeral key there. */
export function makeHpke7(kem: KEMFactory<CryptoKey>): JweSuite {
  const suite = new CipherSuite(kem, KDF_HKDF_SHA256, AEAD_AES_256_GCM)

  // The platform refuses a point that is not on the curve.
  async function importPublicKey(point: Uint8Array): Promise<CryptoKey> {
    return suite.DeserializePublicKey(point).catch(() => Promise.reject(publicKeyInvalid()))
  }

  return {
    alg: 'HPKE-7',
    generateKeyPair: ({ extractable = false } = {}) => suite.GenerateKeyPair(extractable),
    async exportPublicKey({ publicKey }) {
      const point = await suite.SerializePublicKey(publicKey)
      const [x, y] = [point.subarray(1, 1 + COORDINATE_OCTETS), point.subarray(1 + COORDINATE_OCTETS)]
      return { kty: 'EC', crv: 'P-256', x: toBase64url(x), y: toBase64url(y) }
    },
    exportPrivateKey: ({ privateKey }) => exportP256PrivateKey(privateKey),
    async importKeyPair(publicJwk, privateOctets) {
      const point = pointOf(publicJwk)
      const publicKey = await importPublicKey(point)
      try {
        return { publicKey, privateKey: await importP256PrivateKey(privateOctets, point) }
      } catch {
        throw new KeyferryError('malformed', 'not a private key of P-256')
      }
    },
    async seal(recipient, plaintext, aad) {
      const { encapsulatedSecret, ciphertext } = await suite.Seal(
        await importPublicKey(pointOf(recipient)),
        plaintext,
        { aad },
      )
      return { encryptedKey: encapsulatedSecret, ciphertext }
    },
    async open(pair, { encryptedKey, ciphertext }, aad) {
      try {
        return await suite.Open(pair, encryptedKey, ciphertext, { aad })
      } catch {
        throw unwrapFailed()
      }
    },
  }
}

/** SEC 1, uncompressed: 65 octets. */
function pointOf(jwk: TransportJwk): Uint8Array {
  if (jwk.kty !== 'EC') throw publicKeyInvalid()
  return concatOctets(Uint8Array.of(UNCOMPRESSED), fromBase64url(jwk.x), fromBase64url(jwk.y))
}

function publicKeyInvalid(): KeyferryError {
  return new KeyferryError('public-key-invalid', 'the transport key is not valid')
}
