import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { countIn } from './needles.ts'
import type { Searched } from './search-files.ts'

const PAGE = 4096
const CHUNK_PAGES = 1024
/** What a needle may straddle between two chunks. */
const OVERLAP = 256
const ENTRY_OCTETS = 8
/** Bits 63 and 62 of an entry of `pagemap`: the page is in memory, or swapped out. */
const EXISTS = 0xc0

interface Process {
  readonly memory: number
  readonly pagemap: number
  readonly maps: string
}

/**
 * All writable memory of a process that really exists, as Linux shows it to the process that started it (proc(5): `maps`, `pagemap`, `mem`).
 * @returns null where the system does not show it.
 */
export function searchMemory(pid: number, needles: readonly Buffer[]): Searched | null {
  const process = open(pid)
  if (process === null) return null
  try {
    let octets = 0
    let found = 0
    for (const [from, to] of writable(process.maps)) {
      const region = searchRegion(process, from, to, needles)
      octets += region.octets
      found += region.found
    }
    return { octets, found }
  } finally {
    closeSync(process.memory)
    closeSync(process.pagemap)
  }
}

function open(pid: number): Process | null {
  const opened: number[] = []
  try {
    const maps = readFileSync(`/proc/${pid}/maps`, 'latin1')
    for (const name of ['mem', 'pagemap']) opened.push(openSync(`/proc/${pid}/${name}`, 'r'))
    const [memory = -1, pagemap = -1] = opened
    return { memory, pagemap, maps }
  } catch {
    for (const file of opened) closeSync(file)
    return null
  }
}

function writable(maps: string): readonly (readonly [number, number])[] {
  return maps.split('\n').flatMap((line) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) .w/.exec(line) ?? []
    return from === undefined || to === undefined ? [] : [[Number.parseInt(from, 16), Number.parseInt(to, 16)] as const]
  })
}

function searchRegion(process: Process, from: number, to: number, needles: readonly Buffer[]): Searched {
  const buffer = Buffer.alloc(OVERLAP + CHUNK_PAGES * PAGE)
  let octets = 0
  let found = 0
  let end = -1
  let kept = 0
  for (const run of runs(process, from, to)) {
    // Only where pages lie side by side may a needle go from one run into the next.
    if (run.at !== end) kept = 0
    const read = readAt(process.memory, buffer, kept, run.octets, run.at)
    const seen = buffer.subarray(0, kept + read)
    octets += read
    found += countIn(seen, needles)
    end = run.at + read
    kept = Math.min(OVERLAP, seen.length)
    seen.copyWithin(0, seen.length - kept)
  }
  return { octets, found }
}

/** Neighbouring pages that exist, at most `CHUNK_PAGES` at a time: what was only reserved holds nothing. */
function* runs({ pagemap }: Process, from: number, to: number): Generator<{ at: number; octets: number }> {
  const entries = Buffer.alloc(CHUNK_PAGES * ENTRY_OCTETS)
  for (let at = from; at < to; at += CHUNK_PAGES * PAGE) {
    const pages = Math.min(CHUNK_PAGES, (to - at) / PAGE)
    const read = readAt(pagemap, entries, 0, pages * ENTRY_OCTETS, (at / PAGE) * ENTRY_OCTETS)
    for (let page = 0; page * ENTRY_OCTETS < read; ) {
      const begin = page
      while (page * ENTRY_OCTETS < read && ((entries[page * ENTRY_OCTETS + 7] ?? 0) & EXISTS) !== 0) page++
      if (page > begin) yield { at: at + begin * PAGE, octets: (page - begin) * PAGE }
      else page++
    }
  }
}

/** 0 for what went away meanwhile, or cannot be read. */
function readAt(file: number, buffer: Buffer, offset: number, length: number, position: number): number {
  try {
    return readSync(file, buffer, offset, length, position)
  } catch {
    return 0
  }
}
