import { createHash } from 'node:crypto'

/** Octets that look random and are the same in each run: SHA-256(seed, counter), block after block. For tests only. */
export interface FakeRandom {
  octets(count: number): Uint8Array
}

export function fakeRandom(seed = 'keyferry test'): FakeRandom {
  let counter = 0
  return {
    octets(count) {
      const octets = new Uint8Array(count)
      for (let at = 0; at < count; at += 32) {
        const block = createHash('sha256').update(`${seed} ${counter++}`).digest()
        octets.set(block.subarray(0, count - at), at)
      }
      return octets
    },
  }
}
