import { equalOctets, sha256 } from '#platform'
import { KeyferryError } from '../errors.ts'
import { fromBase64, toBase64 } from '../json/base64url.ts'
import { dictionaryMember } from './structured-fields.ts'

/** The value of `Content-Digest` (RFC 9530) for this content: `sha-256=:...:`. */
export function contentDigest(octets: Uint8Array): string {
  return `sha-256=:${toBase64(sha256(octets))}:`
}

/**
 * Compares content with its `Content-Digest`. Other algorithms beside sha-256 are ignored, alone they do not count.
 * @param header - undefined if the message has none: right only for a message without content.
 * @throws {KeyferryError} `digest-mismatch`
 */
export function checkContentDigest(header: string | undefined, octets: Uint8Array): void {
  if (header === undefined) {
    if (octets.length === 0) return
    throw new KeyferryError('digest-mismatch', 'content without content-digest')
  }
  const digest = sha256(octets)
  if (header === `sha-256=:${toBase64(digest)}:`) return
  const member = dictionaryMember(header, 'sha-256')
  if (!member || !matches(member, digest))
    throw new KeyferryError('digest-mismatch', 'content does not match its digest')
}

function matches(member: string, digest: Uint8Array): boolean {
  const octets = /^:([A-Za-z0-9+/=]*):$/.exec(member)?.[1]
  if (octets === undefined) return false
  try {
    return equalOctets(fromBase64(octets), digest)
  } catch {
    return false
  }
}
