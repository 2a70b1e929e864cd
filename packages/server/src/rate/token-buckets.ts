import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { EpochSeconds } from '@keyferry/protocol'
import type { Random } from '../ports.ts'

/** So many at once, and then so many each minute. */
export interface RateLimit {
  readonly burst: number
  readonly perMinute: number
}

/** Counts by a key, such as a network address, in memory that does not grow however many keys there are. */
export interface TokenBuckets {
  /** Takes one token of this key. @returns 0 to go on, else after how many seconds to come again (`Retry-After`). */
  take(key: string, now: EpochSeconds): number
}

/**
 * Token buckets in two rows of fixed size. A key has one bucket in each row and is stopped only when both are empty, so that
 * somebody is held up for another's sake only where he shares both. Which buckets a key has depends on a secret of
 * this process: nobody can search for addresses that empty somebody else's.
 *
 * @param slots - Buckets in each row, 16 octets each.
 */
export function tokenBuckets(limit: RateLimit, random: Random, slots = 16_384): TokenBuckets {
  const secret = random.octets(32)
  const rows = [newRow(slots, limit.burst), newRow(slots, limit.burst)] as const
  const perSecond = limit.perMinute / 60

  function refill(row: Row, slot: number, now: EpochSeconds): number {
    // A clock that was set back gives nothing; it must not lock everybody out until it has caught up either.
    const seconds = Math.max(0, now - (row.filledAt[slot] ?? 0))
    const tokens = Math.min(limit.burst, (row.tokens[slot] ?? 0) + seconds * perSecond)
    row.tokens[slot] = tokens
    row.filledAt[slot] = now
    return tokens
  }

  return {
    take(key, now) {
      const digest = createHmac('sha256', secret).update(key).digest()
      const [first, second] = [digest.readUInt32BE(0) % slots, digest.readUInt32BE(4) % slots]
      const most = Math.max(refill(rows[0], first, now), refill(rows[1], second, now))
      if (most < 1) return Math.ceil((1 - most) / perSecond)
      spend(rows[0], first)
      spend(rows[1], second)
      return 0
    },
  }
}

interface Row {
  readonly tokens: Float64Array
  readonly filledAt: Float64Array
}

function newRow(slots: number, burst: number): Row {
  return { tokens: new Float64Array(slots).fill(burst), filledAt: new Float64Array(slots) }
}

function spend(row: Row, slot: number): void {
  row.tokens[slot] = Math.max(0, (row.tokens[slot] ?? 0) - 1)
}

/**
 * Whom an address stands for: an IPv4 address by itself (also written as IPv6), an IPv6 address by its /64, which is what one
 * customer gets and can choose addresses in.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('%', 1)[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail === '' ? [] : tail.split(':')
  const zeros = address.includes('::') ? 8 - front.length - back.length : 0
  const groups = [...front, ...Array<string>(Math.max(0, zeros)).fill('0'), ...back]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
