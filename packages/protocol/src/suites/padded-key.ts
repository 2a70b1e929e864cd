import * as z from 'zod'
import { equalOctets, sha256 } from '#platform'
import { concatOctets, toBase64url, utf8 } from '../json/base64url.ts'
import { type Ext, ExtShape, readStrictly } from '../json/shapes.ts'
import { decodeSecret, encodeSecret } from './secret-base64url.ts'

/** P is a multiple of this many octets, so that its length says little about the key (PROTOCOL 8, 2.). */
export const BLOCK_OCTETS = 512
const ZERO_DIGIT = 48

/**
 * P of PROTOCOL 8: `{"v":1,"binding":"<b64u SHA-256(B)>","octets":"<b64u of the key octets>","pad":"000..."}`. The caller fills
 * it with zeros after use.
 */
export function writePaddedKey(keyOctets: Uint8Array, binding: Uint8Array): Uint8Array {
  const { head, middle, tail } = frame(binding)
  const digits = encodeSecret(keyOctets)
  const bare = head.length + digits.length + middle.length + tail.length
  const pad = new Uint8Array((BLOCK_OCTETS - (bare % BLOCK_OCTETS)) % BLOCK_OCTETS).fill(ZERO_DIGIT)
  try {
    return concatOctets(head, digits, middle, pad, tail)
  } finally {
    digits.fill(0)
  }
}

/**
 * The key octets in P, or `null`: P strict, a multiple of 512 octets, `pad` `^0{0,511}$`, `binding` of this B (PROTOCOL 9.3, T9).
 * A P that is written as we write it is read without making a string of the key.
 */
export function readPaddedKey(padded: Uint8Array, binding: Uint8Array): Uint8Array | null {
  if (padded.length === 0 || padded.length % BLOCK_OCTETS !== 0) return null
  return readUsual(padded, binding) ?? readStrictForm(padded, binding)
}

function frame(binding: Uint8Array): { head: Uint8Array; middle: Uint8Array; tail: Uint8Array } {
  return {
    head: utf8(`{"v":1,"binding":"${toBase64url(sha256(binding))}","octets":"`),
    middle: utf8('","pad":"'),
    tail: utf8('"}'),
  }
}

function readUsual(padded: Uint8Array, binding: Uint8Array): Uint8Array | null {
  const { head, middle, tail } = frame(binding)
  const end = padded.length - tail.length
  let padAt = end
  while (padAt > 0 && padded[padAt - 1] === ZERO_DIGIT) padAt--
  const digitsEnd = padAt - middle.length
  const usual =
    digitsEnd >= head.length &&
    end - padAt < BLOCK_OCTETS &&
    equalOctets(padded.subarray(0, head.length), head) &&
    equalOctets(padded.subarray(digitsEnd, padAt), middle) &&
    equalOctets(padded.subarray(end), tail)
  return usual ? decodeSecret(padded.subarray(head.length, digitsEnd)) : null
}

interface PaddedKey {
  v: 1
  binding: string
  octets: string
  pad: string
  ext?: Ext
}
const PaddedKeyShape: z.ZodType<PaddedKey> = z.strictObject({
  v: z.literal(1),
  binding: z.string(),
  octets: z.string(),
  pad: z.string().regex(/^0{0,511}$/),
  ext: ExtShape.exactOptional(),
})

/** P as others may write it: other order of members, white space, escapes, `ext`. */
function readStrictForm(padded: Uint8Array, binding: Uint8Array): Uint8Array | null {
  try {
    const read = readStrictly(PaddedKeyShape, padded, 'unwrap-failed')
    return read.binding === toBase64url(sha256(binding)) ? decodeSecret(utf8(read.octets)) : null
  } catch {
    return null
  }
}
