/**
 * Blowfish (Schneier 1993) with the salted key schedule of bcrypt (Provos and Mazieres 1999), as far as key files of OpenSSH need it.
 * Nothing of ours is encrypted with it.
 */
export interface Blowfish {
  /** P, then the four S boxes in a row. */
  readonly subkeys: Uint32Array
}

const P_WORDS = 18
const S_WORDS = 256
const WORDS = P_WORDS + 4 * S_WORDS

/** The state before any key: the first 1042 words of the fraction of pi. */
export function blowfish(): Blowfish {
  fractionOfPi ??= computeFractionOfPi()
  return { subkeys: fractionOfPi.slice() }
}

let fractionOfPi: Uint32Array | null = null

/** Machin: pi = 16 arctan(1/5) - 4 arctan(1/239), with bits to spare. */
function computeFractionOfPi(): Uint32Array {
  const spare = 64n
  const one = 1n << (BigInt(WORDS * 32) + spare)
  const pi = 16n * arctanOfInverse(5n, one) - 4n * arctanOfInverse(239n, one)
  const digits = ((pi - 3n * one) >> spare).toString(16).padStart(WORDS * 8, '0')
  return Uint32Array.from({ length: WORDS }, (_, i) => Number.parseInt(digits.slice(8 * i, 8 * i + 8), 16))
}

function arctanOfInverse(x: bigint, one: bigint): bigint {
  let power = one / x
  let sum = power
  for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
    power /= x * x
    sum += sign * (power / n)
  }
  return sum
}

/** Mixes a key in; with `salt` (64 octets) as bcrypt does. Both are read in a circle. */
export function expand({ subkeys }: Blowfish, key: Uint8Array, salt: Uint8Array | null): void {
  const keyWords = words(key)
  const saltWords = salt === null ? new Uint32Array(2) : words(salt)
  for (let i = 0; i < P_WORDS; i++) subkeys[i] = at(subkeys, i) ^ at(keyWords, i % keyWords.length)
  const block = new Uint32Array(2)
  for (let i = 0; i < WORDS; i += 2) {
    block[0] = at(block, 0) ^ at(saltWords, i % saltWords.length)
    block[1] = at(block, 1) ^ at(saltWords, (i + 1) % saltWords.length)
    encipher(subkeys, block, 0)
    subkeys.set(block, i)
  }
  keyWords.fill(0)
}

/** Enciphers the two words at `from` in their place. */
export function encipher(subkeys: Uint32Array, block: Uint32Array, from: number): void {
  let left = at(block, from) ^ at(subkeys, 0)
  let right = at(block, from + 1)
  for (let round = 1; round < P_WORDS - 1; round += 2) {
    right ^= mixed(subkeys, left) ^ at(subkeys, round)
    left ^= mixed(subkeys, right) ^ at(subkeys, round + 1)
  }
  block[from] = right ^ at(subkeys, P_WORDS - 1)
  block[from + 1] = left
}

function mixed(subkeys: Uint32Array, x: number): number {
  const a = at(subkeys, P_WORDS + (x >>> 24))
  const b = at(subkeys, P_WORDS + S_WORDS + ((x >>> 16) & 255))
  const c = at(subkeys, P_WORDS + 2 * S_WORDS + ((x >>> 8) & 255))
  const d = at(subkeys, P_WORDS + 3 * S_WORDS + (x & 255))
  return ((((a + b) | 0) ^ c) + d) | 0
}

function at(from: Uint32Array, index: number): number {
  return from[index] as number
}

/** Big-endian; the length is a multiple of four. */
function words(octets: Uint8Array): Uint32Array {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  return Uint32Array.from({ length: octets.length / 4 }, (_, i) => view.getUint32(4 * i))
}
