import { beforeEach, expect, it } from 'vitest'
import { ask, aTransferWorld, rowOf, type TransferWorld } from '../../test/transfer-world.ts'
import { DEFAULT_POLICY } from '../access/cedar/default-policy.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { decidePending, PENDING_LIMIT } from './pending.ts'
import { sweep } from './sweep.ts'

const COUNT = PENDING_LIMIT + 4

let world: TransferWorld
let deliveries: readonly DeliveryRow[]
beforeEach(async () => {
  world = await aTransferWorld()
  deliveries = await Promise.all(Array.from({ length: COUNT }, () => ask(world)))
  world.context.proofs.note(world.phone.id, { method: 'device-signature', at: world.clock.now() })
})
const admitted = async () => {
  const rows = await Promise.all(deliveries.map((delivery) => rowOf(world, delivery)))
  return rows.filter(({ state }) => state === 'admitted').length
}

it('decides a few before a request is answered, and says that there are more', async () => {
  const asked = new Set<DeliveryRow['dl']>()
  expect(await decidePending(world.context, world.phone.id, asked)).toBe(true)
  expect(await admitted()).toBe(PENDING_LIMIT)
  expect(await decidePending(world.context, world.phone.id, asked)).toBe(false)
  expect(await admitted()).toBe(COUNT)
})

it('comes to an end also where nothing can be decided, and reaches those behind', async () => {
  const holds = '@id("test/wait")\n@approvals("1")\n@approvers("target-user")'
  const when = `permit (principal, action == Action::"receive", resource)
when { context has purpose && context.purpose == "slow" };`
  world.engine.replacePolicy(`${DEFAULT_POLICY}\n${holds}\n${when}`)
  // Oldest first: these wait for marta, so those behind them must not wait for these.
  for (const row of deliveries.slice(0, PENDING_LIMIT + 1)) {
    await world.context.commit([
      { kind: 'replace-delivery', row: { ...row, purpose: 'slow', version: row.version + 1 } },
    ])
  }
  const asked = new Set<DeliveryRow['dl']>()
  let runs = 1
  while (await decidePending(world.context, world.phone.id, asked)) runs++
  expect(runs).toBe(2)
  expect(asked.size).toBe(COUNT)
  expect(await admitted()).toBe(COUNT - PENDING_LIMIT - 1)
  await sweep(world.context)
})

it('does nothing without a fresh proof', async () => {
  world.clock.advance(901)
  expect(await decidePending(world.context, world.phone.id)).toBe(false)
  expect(await admitted()).toBe(0)
  expect(world.context.proofs.freshParties(world.clock.now())).toEqual([])
})
