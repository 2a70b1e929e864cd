import { utf8 } from '../json/base64url.ts'

/** Works on octets: a string of a secret cannot be wiped. */

const HRPS = ['AGE-SECRET-KEY-', 'AGE-SECRET-KEY-PQ-'].map((hrp) => ({
  lower: utf8(hrp.toLowerCase()),
  start: utf8(`${hrp}1`),
}))
const DIGITS = utf8('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const CHECKSUM_DIGITS = 6

/**
 * Whether octets are the line of an age identity, `^AGE-SECRET-KEY-(PQ-)?1[02-9AC-HJ-NP-Z]+$`, with the right bech32 checksum
 * (BIP 173, which age uses without its limit of 90 characters) and no line end.
 */
export function isAgeIdentity(octets: Uint8Array): boolean {
  // Neither start begins the other, so at most one fits.
  const hrp = HRPS.find(({ start }) => start.every((octet, i) => octets[i] === octet))
  if (hrp === undefined || octets.length <= hrp.start.length + CHECKSUM_DIGITS) return false
  let sum = 1
  for (const octet of hrp.lower) sum = step(sum, octet >> 5)
  sum = step(sum, 0)
  for (const octet of hrp.lower) sum = step(sum, octet & 31)
  let known = true
  for (const octet of octets.subarray(hrp.start.length)) {
    const digit = DIGITS.indexOf(octet)
    known &&= digit >= 0
    sum = step(sum, digit & 31)
  }
  return known && sum === 1
}

function step(sum: number, digit: number): number {
  const top = sum >>> 25
  let next = ((sum & 0x1ffffff) << 5) ^ digit
  GENERATOR.forEach((factor, i) => {
    if (((top >>> i) & 1) === 1) next ^= factor
  })
  return next
}
