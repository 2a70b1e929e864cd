import { randomBytes } from 'node:crypto'
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

/** The generator of the operating system, by way of OpenSSL. */
export const systemRandom: Random = { octets: (count) => new Uint8Array(randomBytes(count)) }
