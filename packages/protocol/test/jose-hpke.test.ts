import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { fromBase64url, utf8 } from '../src/json/base64url.ts'
import { hpke7 } from '../src/suites/hpke-7.ts'
import { withCode } from './example-keys.ts'

/** As published with draft-ietf-jose-hpke-encrypt; they lie beside the checkout, not in it. */
const VECTORS = fileURLToPath(new URL('../../../../shared/vectors/jose-hpke-vectors.json', import.meta.url))

/** Of all vectors of the draft (RFC 7520 uses it too). */
const PLAINTEXT =
  'You can trust us to stick with you through thick and thin-to the bitter end. And you can trust us to keep any secret of ' +
  'yours-closer than you keep it yourself. But you cannot trust us to let you face trouble alone, and go off without a word. ' +
  'We are your friends, Frodo.'

interface Vector {
  alg: string
  jwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string }
  flattened: { protected: string; aad?: string; encrypted_key: string; ciphertext: string }
  compact?: string
}

const vectors: Vector[] = existsSync(VECTORS) ? JSON.parse(readFileSync(VECTORS, 'utf8')) : []
const ours = vectors.filter((vector) => vector.alg === 'HPKE-7')

describe.skipIf(vectors.length === 0)(`published JWE vectors (skipped where ${VECTORS} is absent)`, () => {
  it('has vectors of HPKE-7', () => expect(ours.length).toBeGreaterThan(0))

  it.each(ours)('opens a published JWE of $alg, and not with a bit flipped', async ({ jwk, flattened, compact }) => {
    const { kty, crv, x, y, d } = jwk
    const pair = await hpke7.importKeyPair({ kty, crv, x, y }, fromBase64url(d))
    const aad = utf8(flattened.aad === undefined ? flattened.protected : `${flattened.protected}.${flattened.aad}`)
    const sealed = sealedOf(flattened.encrypted_key, flattened.ciphertext)
    const opened = await hpke7.open(pair, sealed, aad)
    expect(opened).toEqual(utf8(PLAINTEXT))
    if (compact !== undefined) {
      const [head = '', key = '', , text = ''] = compact.split('.')
      expect(await hpke7.open(pair, sealedOf(key, text), utf8(head))).toEqual(opened)
    }
    for (const spoilt of [
      { ...sealed, ciphertext: flipped(sealed.ciphertext) },
      { ...sealed, encryptedKey: flipped(sealed.encryptedKey) },
    ]) {
      await expect(hpke7.open(pair, spoilt, aad)).rejects.toEqual(withCode('unwrap-failed'))
    }
    await expect(hpke7.open(pair, sealed, flipped(aad))).rejects.toEqual(withCode('unwrap-failed'))
  })
})

function sealedOf(encryptedKey: string, ciphertext: string): { encryptedKey: Uint8Array; ciphertext: Uint8Array } {
  return { encryptedKey: fromBase64url(encryptedKey), ciphertext: fromBase64url(ciphertext) }
}

function flipped(octets: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(octets)
  const last = copy.length - 1
  copy[last] = (copy[last] as number) ^ 1
  return copy
}
