/** DER tags (X.690). */
const INTEGER = 0x02
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06
const SEQUENCE = 0x30
const ATTRIBUTES = 0xa0
const PUBLIC_KEY = [0x81, 0xa1]

interface Element {
  readonly tag: number
  readonly content: Uint8Array
  readonly rest: Uint8Array
}

/**
 * Whether octets are one PrivateKeyInfo (RFC 5208) or OneAsymmetricKey (RFC 5958) in DER, and nothing after it. Looks at the
 * outer structure only: what the algorithm makes of the key is for whoever imports it.
 */
export function isPkcs8(octets: Uint8Array): boolean {
  const outer = readElement(octets)
  if (outer === null || outer.tag !== SEQUENCE || outer.rest.length !== 0) return false
  const version = readElement(outer.content)
  if (version?.tag !== INTEGER || version.content.length !== 1) return false
  const algorithm = readElement(version.rest)
  if (algorithm?.tag !== SEQUENCE || readElement(algorithm.content)?.tag !== OBJECT_IDENTIFIER) return false
  const privateKey = readElement(algorithm.rest)
  if (privateKey?.tag !== OCTET_STRING || privateKey.content.length === 0) return false
  return fitsVersion(version.content[0], privateKey.rest)
}

/** Attributes may follow in both versions, the public key in the second one only. */
function fitsVersion(version: number | undefined, rest: Uint8Array): boolean {
  if (version !== 0 && version !== 1) return false
  let left = rest
  let last = 0
  while (left.length > 0) {
    const element = readElement(left)
    if (element === null) return false
    const isPublicKey = PUBLIC_KEY.includes(element.tag)
    const order = element.tag === ATTRIBUTES ? 1 : isPublicKey && version === 1 ? 2 : 0
    if (order <= last) return false
    last = order
    left = element.rest
  }
  return true
}

/** One element with a definite length, written as short as it can be. */
function readElement(octets: Uint8Array): Element | null {
  const [tag, first] = octets
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null
  let length = first
  let start = 2
  if (first >= 0x80) {
    const count = first & 0x7f
    const digits = octets.subarray(2, 2 + count)
    if (count === 0 || count > 3 || digits.length !== count || digits[0] === 0) return null
    length = digits.reduce((sum, digit) => sum * 256 + digit, 0)
    start += count
    if (length < 0x80) return null
  }
  if (octets.length < start + length) return null
  return { tag, content: octets.subarray(start, start + length), rest: octets.subarray(start + length) }
}
