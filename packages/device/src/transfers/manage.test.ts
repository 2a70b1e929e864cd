import { makeId } from '@keyferry/protocol'
import { aKeyId, aUser, NOW } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import type { OpenDevice } from '../open-device.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import { retryDelivery } from './manage.ts'

const TR = makeId('tr', new Uint8Array(16).fill(1))
const DL = makeId('dl', new Uint8Array(16).fill(2))

it('lets what was started here count until the deadline that its human gives a further attempt', async () => {
  const store = memoryDeviceStore()
  const started = {
    idempotencyKey: 'k1',
    request: '{}',
    tr: TR,
    key: aKeyId(aUser('luis')),
    class: 'shared',
    targets: [{ user: aUser('marta').id, username: 'marta' }],
    nonce: null,
    confirmed: true,
    at: NOW,
    deadline: NOW + 60,
  } as const
  store.started.put(started)
  const client = { call: async () => ({ json: () => ({ dl: DL, tr: TR }) }) }
  const open = { store, client, random: (count: number) => new Uint8Array(count) } as unknown as OpenDevice
  await retryDelivery(open, DL, NOW + 3600)
  expect(store.started.find(TR)).toEqual({ ...started, deadline: NOW + 3600 })
})
