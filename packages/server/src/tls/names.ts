import { isIP, SocketAddress } from 'node:net'

/** Whom a certificate of this server may speak for: this machine, and the host of the origin. */
export interface ServerNames {
  readonly dns: readonly string[]
  readonly ip: readonly string[]
}

/** @param origin - `https://host` or `https://host:port`. */
export function serverNames(origin: string): ServerNames {
  const host = new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1')
  const isAddress = isIP(host) !== 0
  return {
    dns: [...new Set(['localhost', ...(isAddress ? [] : [host])])],
    ip: [...new Set(['127.0.0.1', '::1', ...(isAddress ? [host] : [])])],
  }
}

/**
 * DER of NameConstraints (RFC 5280, Section 4.2.1.10) that permits these names and no others: so whoever steals the key of the
 * CA, which people put into their browsers, cannot speak for their bank.
 */
export function nameConstraints(names: ServerNames): Uint8Array {
  const dns = names.dns.map((name) => der(0x82, Buffer.from(name, 'ascii')))
  // An address is followed by its mask: all bits count.
  const ip = names.ip.map((address) => {
    const octets = addressOctets(address)
    return der(0x87, Buffer.concat([octets, Buffer.alloc(octets.length, 0xff)]))
  })
  const subtrees = [...dns, ...ip].map((base) => der(0x30, base))
  return new Uint8Array(der(0x30, der(0xa0, Buffer.concat(subtrees))))
}

/** One DER value: tag, length, content. */
function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), content])
}

function addressOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // Written out by the platform, except for the longest run of zeros.
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  const [head = '', tail = ''] = canonical.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const zeros = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array<string>(Math.max(0, zeros)).fill('0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
