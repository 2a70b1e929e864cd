import { deepStrictEqual } from 'node:assert'
import type { DeviceId } from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import type { Caller } from '../access/caller.ts'
import { proofWindows } from '../access/proof-windows.ts'
import type { DeviceRow, StoredNotice } from '../store/rows.ts'
import type { Reader } from '../store/store.ts'
import { wakeups } from '../wakeups.ts'
import { type InboxStreamParts, inboxStream, streamPlaces } from './inbox-stream.ts'
import { noticeRow } from './make-notice.ts'

const DEVICE = 'd'.repeat(43) as DeviceId
const CALLER = { type: 'device', device: { id: DEVICE } as DeviceRow } as Caller

function notices(count: number): readonly StoredNotice[] {
  return Array.from({ length: count }, (_, i) => ({
    ...noticeRow({
      random: new Uint8Array(16).fill(i),
      type: 'wake',
      recipient: DEVICE,
      now: NOW,
      expiresAt: NOW + 60,
    }),
    cursor: i + 1,
  }))
}

function partsOver(rows: readonly StoredNotice[], seconds = { now: NOW }): InboxStreamParts & { reads: number } {
  const parts = {
    reads: 0,
    wakeups: wakeups(),
    signer: { sign: async (notice: { id: string }) => notice.id },
    context: {
      clock: { now: () => seconds.now },
      proofs: proofWindows(900),
      read: {
        async inbox(_recipient: string, _now: number, limit: number, after = 0) {
          parts.reads++
          return rows.filter((row) => row.cursor > after).slice(0, limit)
        },
      } as unknown as Reader,
    },
  }
  return parts
}

it('reads no further than it is read', async () => {
  const parts = partsOver(notices(100))
  const { signal } = new AbortController()
  const stream = inboxStream(parts, { caller: CALLER, provedAt: NOW, lastEventId: undefined, abort: signal })
  const first = await stream.next()
  const second = await stream.next()
  expect([first.value, second.value?.startsWith('id: 1\nevent: notice\ndata: nt_')]).toEqual([': \n\n', true])
  expect(parts.reads).toBe(1)
  await stream.return()
})

it('sends a comment where nothing happens, and ends when it is told to', async () => {
  const parts = partsOver([])
  const gone = new AbortController()
  const start = { caller: CALLER, provedAt: NOW, lastEventId: undefined, abort: gone.signal, commentMilliseconds: 5 }
  const stream = inboxStream(parts, start)
  deepStrictEqual([(await stream.next()).value, (await stream.next()).value], [': \n\n', ': \n\n'])
  const last = stream.next()
  gone.abort()
  expect((await last).done).toBe(true)
})

it('gives each recipient so many places, and a place back once', () => {
  const places = streamPlaces(2, 3)
  const leave = places.take('a')
  places.take('a')
  expect(() => places.take('a')).toThrow(expect.objectContaining({ code: 'too-many-requests' }))
  places.take('b')
  expect(() => places.take('c')).toThrow(expect.objectContaining({ code: 'too-many-requests' }))
  leave()
  leave()
  places.take('c')
  expect(() => places.take('d')).toThrow(expect.objectContaining({ code: 'too-many-requests' }))
})
