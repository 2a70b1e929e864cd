import { expect, it } from 'vitest'
import { withCode } from '../../test/example-keys.ts'
import { aDevice, anOrder, aSet } from '../../test/example-statements.ts'
import { deviceStatement } from './device.ts'
import { deviceSetStatement } from './device-set.ts'
import { openBundle } from './statement-bundle.ts'

const set = await aSet()
const device = await aDevice()

it('finds statements by ref and by type, and ignores what it is not asked for', async () => {
  const order = await anOrder()
  const bundle = openBundle({ [set.ref]: set.text, [device.ref]: device.text, [order.ref]: order.text }, 'kti-invalid')
  expect(bundle.get(deviceSetStatement, set.ref)).toEqual(set)
  expect(bundle.get(deviceSetStatement, 'A'.repeat(43) as typeof set.ref)).toBeNull()
  expect(() => bundle.get(deviceSetStatement, device.ref)).toThrow(withCode('set-invalid'))
  expect(bundle.all(deviceStatement)).toEqual([device])
})

it('refuses a statement under a name that is not its ref', () => {
  expect(() => openBundle({ [set.ref]: device.text }, 'kti-invalid')).toThrow(withCode('kti-invalid'))
  expect(() => openBundle({ [set.ref]: 'no statement' }, 'kti-invalid')).toThrow(withCode('kti-invalid'))
})
