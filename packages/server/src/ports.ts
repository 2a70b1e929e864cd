import { randomBytes, randomFillSync } from 'node:crypto'
import type { EpochSeconds } from '@keyferry/protocol'

/** The only place where the server learns the time, so that a whole deployment runs under one that a test turns. */
export interface Clock {
  now(): EpochSeconds
}

/** The only place where the server gets ids, nonces and the keys under which it stores wrapped keys. */
export interface Random {
  /** `count` octets that nobody can guess, in a fresh buffer. */
  octets(count: number): Uint8Array
}

/** The clock of the operating system. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) }

const MAX_POOLED = 64
const pool = new Uint8Array(4096)
let pooled = 0

/** The generator of the operating system, by way of OpenSSL. Small counts come from a pool, which keeps nothing of what it gave. */
export const systemRandom: Random = {
  octets(count) {
    if (count > MAX_POOLED) return new Uint8Array(randomBytes(count))
    if (pooled < count) pooled = randomFillSync(pool).length
    const given = pool.subarray(pooled - count, pooled)
    const octets = given.slice()
    given.fill(0)
    pooled -= count
    return octets
  },
}
