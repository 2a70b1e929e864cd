import { createHash } from 'node:crypto'
import { blowfish, encipher, expand } from './blowfish.ts'
import { join, uint32 } from './octets.ts'

const BLOCK_OCTETS = 32
const TEXT = new TextEncoder().encode('OxychromaticBlowfishSwatDynamite')

/**
 * The key of an OpenSSH file under a passphrase: bcrypt_pbkdf(3) of OpenBSD, which spreads the blocks of PBKDF2 over the key.
 * Takes about 10 ms a round, at once. The caller erases the result.
 */
export function bcryptPbkdf(passphrase: Uint8Array, salt: Uint8Array, rounds: number, keyOctets: number): Uint8Array {
  const hashed = sha512(passphrase)
  const stride = Math.ceil(keyOctets / BLOCK_OCTETS)
  const key = new Uint8Array(keyOctets)
  for (let count = 0; count < stride; count++) {
    let last = bcryptHash(hashed, sha512(join(salt, uint32(count + 1))))
    const block = last.slice()
    for (let round = 1; round < rounds; round++) {
      last = bcryptHash(hashed, sha512(last))
      for (let i = 0; i < block.length; i++) block[i] = (block[i] ?? 0) ^ (last[i] ?? 0)
    }
    for (let i = 0; i * stride + count < keyOctets && i < block.length; i++) key[i * stride + count] = block[i] ?? 0
    block.fill(0)
  }
  hashed.fill(0)
  return key
}

function bcryptHash(passphrase: Uint8Array, salt: Uint8Array): Uint8Array {
  const cipher = blowfish()
  expand(cipher, passphrase, salt)
  for (let i = 0; i < 64; i++) {
    expand(cipher, salt, null)
    expand(cipher, passphrase, null)
  }
  const text = new DataView(TEXT.buffer)
  const words = Uint32Array.from({ length: 8 }, (_, i) => text.getUint32(4 * i))
  for (let i = 0; i < 64; i++) for (let block = 0; block < 8; block += 2) encipher(cipher.subkeys, words, block)
  cipher.subkeys.fill(0)
  const out = new Uint8Array(BLOCK_OCTETS)
  const view = new DataView(out.buffer)
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true)
  return out
}

function sha512(octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512').update(octets).digest())
}
