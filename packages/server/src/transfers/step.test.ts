import { expect, it } from 'vitest'
import { aDeliveryIn, aTransferWorld } from '../../test/transfer-world.ts'
import { step } from './step.ts'

it('lets a delivery do nothing but expire once its deadline has come', async () => {
  const world = await aTransferWorld()
  const delivery = await aDeliveryIn(world, 'admitted')
  world.clock.set(delivery.deadline - 1)
  expect(step(world.context, delivery, 'deposit').delivery.state).toBe('deposited')
  world.clock.set(delivery.deadline)
  for (const event of ['deposit', 'refuse', 'cancel', 'withdraw'] as const) {
    expect(() => step(world.context, delivery, event)).toThrow(expect.objectContaining({ code: 'delivery-closed' }))
  }
  expect(step(world.context, delivery, 'expire').delivery.state).toBe('expired')
})
