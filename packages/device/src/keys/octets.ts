/** Reads lengths and parts off octets, never past their end. What it returns are views: they are zeroed with the whole. */
export class OctetReader {
  readonly #octets: Uint8Array
  #at = 0
  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  get left(): number {
    return this.#octets.length - this.#at
  }

  /** @throws {RangeError} if fewer are left; decoders turn it into their one error. */
  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('cut short')
    this.#at += length
    return this.#octets.subarray(this.#at - length, this.#at)
  }

  octet(): number {
    return this.take(1)[0] as number
  }

  uint32(): number {
    return this.take(4).reduce((sum, octet) => sum * 256 + octet, 0)
  }

  /** @throws {RangeError} if anything is left. */
  end(): void {
    if (this.left !== 0) throw new RangeError('something follows')
  }
}

export function uint32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
}

/** Joins octets into a fresh buffer. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i])
}

/** An unsigned big-endian number without leading zeros. */
export function trimmed(octets: Uint8Array): Uint8Array {
  let at = 0
  while (at < octets.length - 1 && octets[at] === 0) at++
  return octets.subarray(at)
}

/** An unsigned big-endian number on exactly `width` octets. @throws {RangeError} if it needs more. */
export function padded(octets: Uint8Array, width: number): Uint8Array {
  const digits = trimmed(octets)
  if (digits.length > width) throw new RangeError('number too long')
  const all = new Uint8Array(width)
  all.set(digits, width - digits.length)
  return all
}

/** As DER and SSH write a positive number: no needless zeros, one in front if the top bit is set. */
export function positive(octets: Uint8Array): Uint8Array {
  const digits = trimmed(octets)
  return (digits[0] ?? 0) >= 0x80 ? join(new Uint8Array(1), digits) : digits
}

export function toBigInt(octets: Uint8Array): bigint {
  return octets.reduce((number, octet) => (number << 8n) | BigInt(octet), 0n)
}

export function fromBigInt(number: bigint): Uint8Array {
  const digits: number[] = []
  for (let rest = number; rest > 0n; rest >>= 8n) digits.unshift(Number(rest & 255n))
  return new Uint8Array(digits.length === 0 ? [0] : digits)
}
