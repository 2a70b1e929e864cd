import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { countIn } from './needles.ts'
import type { Searched } from './search-files.ts'

const CHUNK = 4 * 1024 * 1024
/** What a needle may straddle between two chunks. */
const OVERLAP = 256

/**
 * All writable memory of a process, as Linux shows it to the process that started it.
 * @returns null where the system does not show it.
 */
export function searchMemory(pid: number, needles: readonly Buffer[]): Searched | null {
  let memory: number
  let maps: string
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'latin1')
    memory = openSync(`/proc/${pid}/mem`, 'r')
  } catch {
    return null
  }
  try {
    let octets = 0
    let found = 0
    for (const [from, to] of writable(maps)) {
      const region = searchRegion(memory, from, to, needles)
      octets += region.octets
      found += region.found
    }
    return { octets, found }
  } finally {
    closeSync(memory)
  }
}

function writable(maps: string): readonly (readonly [number, number])[] {
  return maps.split('\n').flatMap((line) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) .w/.exec(line) ?? []
    return from === undefined || to === undefined ? [] : [[Number.parseInt(from, 16), Number.parseInt(to, 16)] as const]
  })
}

function searchRegion(memory: number, from: number, to: number, needles: readonly Buffer[]): Searched {
  const buffer = Buffer.alloc(Math.min(CHUNK, to - from) + OVERLAP)
  let kept = 0
  let octets = 0
  let found = 0
  for (let at = from; at < to; ) {
    const wanted = Math.min(CHUNK, to - at)
    const read = readHere(memory, buffer, kept, wanted, at)
    // A page that was never touched, or went away meanwhile, cannot be read and holds nothing.
    if (read <= 0) break
    octets += read
    const seen = buffer.subarray(0, kept + read)
    found += countIn(seen, needles)
    kept = Math.min(OVERLAP, seen.length)
    seen.copyWithin(0, seen.length - kept)
    at += read
  }
  return { octets, found }
}

function readHere(memory: number, buffer: Buffer, offset: number, length: number, position: number): number {
  try {
    return readSync(memory, buffer, offset, length, position)
  } catch {
    return 0
  }
}
