import { join, OctetReader, positive, uint32 } from './octets.ts'

/** SSH data types (RFC 4251, Section 5) over octets. */
export function sshString(octets: Uint8Array): Uint8Array {
  return join(uint32(octets.length), octets)
}

/** A non-negative `mpint` from an unsigned big-endian number. */
export function sshNumber(unsigned: Uint8Array): Uint8Array {
  const digits = positive(unsigned)
  return sshString(digits.length === 1 && digits[0] === 0 ? new Uint8Array() : digits)
}

export function sshText(text: string): Uint8Array {
  return sshString(new TextEncoder().encode(text))
}

export class SshReader extends OctetReader {
  string(): Uint8Array {
    return this.take(this.uint32())
  }

  text(): string {
    return new TextDecoder('utf-8', { fatal: true }).decode(this.string())
  }

  /** @throws {RangeError} if negative or not written the shortest way. */
  number(): Uint8Array {
    const digits = this.string()
    const [first = 0, second = 0] = digits
    if (first >= 0x80 || (digits.length > 0 && first === 0 && second < 0x80))
      throw new RangeError('not a positive number')
    return digits
  }
}
