import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyFile } from '@keyferry/device'

/** Kinds of key that can be made here. Keys of age are made by `age-keygen` and added. */
export const GENERATED = ['ed25519', 'p256', 'rsa', 'aes', 'hmac', 'secret'] as const
export type Generated = (typeof GENERATED)[number]

/** A new key from the system's random numbers; the caller erases its octets. */
export function generateKey(kind: Generated): Pick<KeyFile, 'type' | 'octets'> {
  switch (kind) {
    case 'ed25519':
      return { type: 'private', octets: generateKeyPairSync('ed25519', DER).privateKey }
    case 'p256':
      return { type: 'private', octets: generateKeyPairSync('ec', { namedCurve: 'P-256', ...DER }).privateKey }
    case 'rsa':
      return { type: 'private', octets: generateKeyPairSync('rsa', { modulusLength: 3072, ...DER }).privateKey }
    default:
      return { type: kind, octets: randomBytes(32) }
  }
}

const DER = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const
