import { beforeEach, describe, expect, it } from 'vitest'
import {
  aDeliveryRow,
  aDeviceRow,
  after,
  aKeyRow,
  aStatementRow,
  aTransferRow,
  aUserRow,
} from '../../test/support/rows.ts'
import type { Change } from './changes.ts'
import { type MemoryStore, memoryStore } from './memory/memory-store.ts'
import { type RowCache, rowCache } from './row-cache.ts'
import type { Reader } from './store.ts'

const luis = aUserRow('luis')
const phone = aDeviceRow('phone', 'luis', { accessKey: aUserRow('agent').id })
const key = aKeyRow('luis', 'key')
const delivery = aDeliveryRow('d', 't')
const statement = aStatementRow('set', 'luis')
const THERE: readonly Change[] = [
  { kind: 'insert-user', row: luis },
  { kind: 'insert-device', row: phone },
  { kind: 'insert-key', row: key },
  { kind: 'put-statement', row: statement },
  { kind: 'insert-transfer', row: aTransferRow('t') },
  { kind: 'insert-delivery', row: delivery },
  { kind: 'append-leaf', ref: statement.ref, text: 'leaf' },
]

let store: MemoryStore
let cache: RowCache
let asked: string[]
beforeEach(async () => {
  store = memoryStore()
  asked = []
  const counted = Object.fromEntries(
    Object.entries(store.read).map(([name, read]) => [
      name,
      (...values: never[]) => {
        asked.push(name)
        return (read as (...values: never[]) => unknown)(...values)
      },
    ]),
  ) as unknown as Reader
  cache = rowCache(counted)
  await write(...THERE)
})

async function write(...changes: readonly Change[]): Promise<void> {
  cache.committed(changes, await store.commit(changes))
}

const readAll = () =>
  Promise.all([
    cache.read.user(luis.id),
    cache.read.device(phone.id),
    cache.read.deviceByKey(phone.accessKey as NonNullable<typeof phone.accessKey>),
    cache.read.key(key.id),
    cache.read.statement(statement.ref),
    cache.read.delivery(delivery.dl),
    cache.read.leafIndex(statement.ref),
  ])

describe('rows that were read', () => {
  it('are not asked for again', async () => {
    const first = await readAll()
    expect(first).toEqual([luis, phone, phone, key, statement, delivery, 0])
    // The delivery and the leaf are known since they were written.
    expect(asked).toHaveLength(5)
    expect(await readAll()).toEqual(first)
    expect(asked).toHaveLength(5)
  })

  it('are those that were written last', async () => {
    await readAll()
    const changed = [
      after(luis, { setSeq: 2 }),
      after(phone, { accessKey: luis.id }),
      after(key, { generation: 2 }),
    ] as const
    await write(
      { kind: 'replace-user', row: changed[0] },
      { kind: 'replace-device', row: changed[1] },
      { kind: 'replace-key', row: changed[2] },
      { kind: 'replace-delivery', row: after(delivery, { state: 'admitted' }) },
    )
    expect(await readAll()).toEqual([
      changed[0],
      changed[1],
      null,
      changed[2],
      statement,
      after(delivery, { state: 'admitted' }),
      0,
    ])
    await write({ kind: 'note-proof', device: phone.id, at: 5 })
    expect((await cache.read.device(phone.id))?.lastProofAt).toBe(5)
    expect((await cache.read.deviceByKey(luis.id))?.lastProofAt).toBe(5)
  })

  it('of one device stay while another changes, under each of its keys', async () => {
    const tab = aDeviceRow('tab', 'luis', { accessKey: aUserRow('agent of tab').id })
    await write({ kind: 'insert-device', row: tab })
    const byKeys = () => Promise.all([tab.id, tab.accessKey as typeof tab.id].map((one) => cache.read.deviceByKey(one)))
    await byKeys()
    await byKeys()
    asked = []
    await write({ kind: 'note-proof', device: phone.id, at: 5 })
    expect(await byKeys()).toEqual([tab, tab])
    expect(asked).toEqual([])
  })

  it('say whether anything waits for a device until one of its deliveries changes', async () => {
    const { source, target } = delivery
    expect(await cache.read.pendingDecisions(source, 5)).toEqual([delivery])
    expect(await cache.read.pendingDecisions(target, 5)).toEqual([])
    expect(await cache.read.pendingDecisions(target, 5)).toEqual([])
    expect(asked.filter((name) => name === 'pendingDecisions')).toHaveLength(2)
    const deposited = after(delivery, { state: 'deposited' })
    await write({ kind: 'replace-delivery', row: deposited })
    expect(await cache.read.pendingDecisions(source, 5)).toEqual([])
    expect(await cache.read.pendingDecisions(target, 5)).toEqual([deposited])
  })

  it('answer what each step asks as the store does, whatever happens to deliveries', async () => {
    const { keyId, target } = delivery
    const other = aDeliveryRow('e', 't')
    const third = aDeliveryRow('f', 't')
    const steps: Change[][] = [
      [{ kind: 'replace-delivery', row: after(delivery, { state: 'admitted' }) }],
      [{ kind: 'insert-delivery', row: other }],
      [{ kind: 'replace-delivery', row: after(after(delivery, { state: 'admitted' }), { state: 'completed' }) }],
      [{ kind: 'replace-delivery', row: after(other, { state: 'refused' }) }],
      [
        { kind: 'insert-delivery', row: third },
        { kind: 'replace-delivery', row: after(third, { state: 'admitted' }) },
      ],
      [{ kind: 'replace-delivery', row: after(after(other, { state: 'refused' }), { state: 'requested' }) }],
      [{ kind: 'replace-delivery', row: after(after(third, { state: 'admitted' }), { state: 'completed' }) }],
      [{ kind: 'put-statement', row: aStatementRow('another set', 'luis', { seq: 2 }) }],
    ]
    const questions = (read: Reader) =>
      Promise.all([
        read.sameKeySameTarget(keyId, target),
        read.copiesOf(keyId),
        read.statementsOf(luis.id, statement.typ),
        read.pendingDecisions(delivery.source, 5),
        read.pendingDecisions(target, 5),
      ])
    expect(await questions(cache.read)).toEqual(await questions(store.read))
    for (const step of steps) {
      await write(...step)
      expect(await questions(cache.read)).toEqual(await questions(store.read))
      expect(await questions(cache.read)).toEqual(await questions(store.read))
    }
  })

  it('are asked for until they are there', async () => {
    const other = aUserRow('other')
    expect(await cache.read.user(other.id)).toBeNull()
    await write({ kind: 'insert-user', row: other })
    expect(await cache.read.user(other.id)).toEqual(other)
  })

  it('are forgotten when nobody knows what was written', async () => {
    await readAll()
    await store.commit([{ kind: 'replace-user', row: after(luis, { setSeq: 9 }) }])
    expect((await cache.read.user(luis.id))?.setSeq).toBe(1)
    cache.forget()
    expect((await cache.read.user(luis.id))?.setSeq).toBe(9)
  })
})
