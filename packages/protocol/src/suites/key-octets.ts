import type { KeyType } from '../statements/order-key.ts'
import { isAgeIdentity } from './age-identity.ts'
import { isPkcs8 } from './pkcs8.ts'

/** Three times base64 within `envelopeBytes` (PROTOCOL 8). */
export const MAX_KEY_OCTETS = 16_384

/** Whether key octets fit their type (PROTOCOL 8). */
export function keyOctetsFit(type: KeyType, octets: Uint8Array): boolean {
  if (octets.length > MAX_KEY_OCTETS) return false
  switch (type) {
    case 'aes':
      return octets.length === 16 || octets.length === 24 || octets.length === 32
    case 'hmac':
    case 'secret':
      return octets.length >= 1 && octets.length <= 1024
    case 'private':
      return isPkcs8(octets)
    case 'age':
      return isAgeIdentity(octets)
  }
}
