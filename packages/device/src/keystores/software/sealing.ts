import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { concatOctets, KeyferryError, utf8 } from '@keyferry/protocol'

/** AES-256-GCM (SP 800-38D) with random nonces: version octet, nonce, ciphertext, tag. */
const VERSION = 1
const NONCE_OCTETS = 12
const TAG_OCTETS = 16

/** Where a sealed value stands: it opens nowhere else, so that nobody can put one key in the place of another. */
export interface SealedPlace {
  readonly table: string
  readonly row: string
}

/** @param octets - the secret; the caller erases it. */
export function seal(master: KeyObject, place: SealedPlace, octets: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_OCTETS)
  const cipher = createCipheriv('aes-256-gcm', master, nonce, { authTagLength: TAG_OCTETS })
  cipher.setAAD(placeOctets(place))
  const ciphertext = concatOctets(cipher.update(octets), cipher.final())
  return concatOctets(Uint8Array.of(VERSION), nonce, ciphertext, cipher.getAuthTag())
}

/**
 * Opens into a fresh buffer, which the caller erases.
 * @throws {KeyferryError} `store-failed`: another master key, another place, or damaged.
 */
export function openSealed(master: KeyObject, place: SealedPlace, sealed: Uint8Array): Uint8Array {
  const [nonceEnd, tagStart] = [1 + NONCE_OCTETS, sealed.length - TAG_OCTETS]
  if (sealed[0] !== VERSION || tagStart < nonceEnd) throw doesNotOpen()
  const options = { authTagLength: TAG_OCTETS }
  const decipher = createDecipheriv('aes-256-gcm', master, sealed.subarray(1, nonceEnd), options)
  decipher.setAAD(placeOctets(place))
  decipher.setAuthTag(sealed.subarray(tagStart))
  const octets = decipher.update(sealed.subarray(nonceEnd, tagStart))
  try {
    decipher.final()
    return new Uint8Array(octets)
  } catch {
    throw doesNotOpen()
  } finally {
    octets.fill(0)
  }
}

/** Neither part holds a zero octet. */
function placeOctets({ table, row }: SealedPlace): Uint8Array {
  return utf8(`keyferry sealed 1\0${table}\0${row}`)
}

function doesNotOpen(): KeyferryError {
  return new KeyferryError('store-failed', 'a sealed key does not open')
}
