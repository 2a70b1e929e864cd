import { generateKeyPairSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { caIdOf } from './ca-file.ts'

it('finds the same CA in JWK and PEM, and none in a private key or anything else', () => {
  for (const pair of [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ed25519')]) {
    const pem = Buffer.from(pair.publicKey.export({ format: 'pem', type: 'spki' }))
    const jwk = Buffer.from(JSON.stringify({ ...pair.publicKey.export({ format: 'jwk' }), kid: 'extra' }))
    expect(caIdOf(pem)).toBe(caIdOf(jwk))
    const secret = Buffer.from(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }))
    expect(() => caIdOf(secret)).toThrow(expect.objectContaining({ code: 'wrong-use' }))
  }
  expect(() => caIdOf(Buffer.from('hello'))).toThrow(expect.objectContaining({ code: 'wrong-use' }))
})
