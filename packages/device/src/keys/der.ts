import { join, OctetReader, positive } from './octets.ts'

/** The little DER (X.690) that PKCS#8, PKCS#1 and SEC 1 keys need. Values are octets, so that secrets stay erasable. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
} as const

export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const value = join(...content)
  const length: number[] = []
  for (let rest = value.length; rest > 0; rest >>>= 8) length.unshift(rest & 255)
  const head = value.length < 0x80 ? [tag, value.length] : [tag, 0x80 | length.length, ...length]
  return join(new Uint8Array(head), value)
}

/** `unsigned` = big-endian. */
export function derInteger(unsigned: Uint8Array): Uint8Array {
  return der(TAG.integer, positive(unsigned))
}

/** Takes DER apart; refuses other lengths than the shortest. All faults are RangeErrors. */
export class DerReader {
  readonly #octets: OctetReader
  constructor(octets: Uint8Array) {
    this.#octets = new OctetReader(octets)
  }

  get left(): number {
    return this.#octets.left
  }

  value(tag: number): Uint8Array {
    if (this.#octets.octet() !== tag) throw new RangeError('another tag')
    return this.#octets.take(this.#length())
  }

  inner(tag: number): DerReader {
    return new DerReader(this.value(tag))
  }

  end(): void {
    this.#octets.end()
  }

  #length(): number {
    const first = this.#octets.octet()
    if (first < 0x80) return first
    const size = first & 0x7f
    if (size === 0 || size > 3) throw new RangeError('length of length')
    const length = this.#octets.take(size).reduce((sum, octet) => sum * 256 + octet, 0)
    if (length < 0x80 || length < 256 ** (size - 1)) throw new RangeError('length not the shortest')
    return length
  }
}
