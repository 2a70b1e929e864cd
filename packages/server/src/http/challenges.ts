import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EpochSeconds } from '@keyferry/protocol'
import type { Random } from '../ports.ts'

const LIFE_SECONDS = 60
const STAMP_OCTETS = 16
const MAC_OCTETS = 16

/** Nonces that the server gives to devices without a clock: a fresh one replaces the time check (PROTOCOL 4). */
export interface Challenges {
  /** A nonce for `Accept-Signature`, good for 60 s. Single use is the business of the spent nonces. */
  make(now: EpochSeconds): string
  /** Whether this process gave the nonce at most 60 s ago. */
  isFresh(nonce: string, now: EpochSeconds): boolean
}

/**
 * A nonce carries its own time and a MAC, so asking for many costs the server no memory: 8 octets of time, 8 of chance, 16 of
 * HMAC-SHA-256 under a key that dies with the process.
 */
export function challenges(random: Random): Challenges {
  const key = random.octets(32)
  function mac(stamp: Uint8Array): Uint8Array {
    return createHmac('sha256', key).update(stamp).digest().subarray(0, MAC_OCTETS)
  }
  return {
    make(now) {
      const stamp = Buffer.alloc(STAMP_OCTETS)
      stamp.writeBigUInt64BE(BigInt(now))
      stamp.set(random.octets(8), 8)
      return Buffer.concat([stamp, mac(stamp)]).toString('base64url')
    },
    isFresh(nonce, now) {
      // The usual nonce of a device with a clock is shorter.
      if (nonce.length !== 43) return false
      const octets = Buffer.from(nonce, 'base64url')
      if (octets.length !== STAMP_OCTETS + MAC_OCTETS) return false
      const stamp = octets.subarray(0, STAMP_OCTETS)
      const age = now - Number(stamp.readBigUInt64BE())
      return age >= 0 && age <= LIFE_SECONDS && timingSafeEqual(octets.subarray(STAMP_OCTETS), mac(stamp))
    },
  }
}
