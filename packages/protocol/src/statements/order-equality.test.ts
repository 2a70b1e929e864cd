import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exampleSigner } from '../../test/example-keys.ts'
import { aKeyTransferInfo, anOrderPayload, aTransportKeyInfo } from '../../test/example-statements.ts'
import type { KeyId } from '../ids/ids.ts'
import { equalJson } from './equal-json.ts'
import { orderEqualsDelivery, orderEqualsKeyTransferInfo, orderEqualsKti, orderTakesOption } from './order-equality.ts'

const other = exampleSigner('other').id
const changes = {
  origin: 'https://other.example',
  tr: 'tr_0000000000000000000000000a' as typeof anOrderPayload.tr,
  dl: 'dl_0000000000000000000000000a' as typeof anOrderPayload.dl,
  attempt: 2,
  key: { ...anOrderPayload.key, id: `${other}/0tpbn4f2neatkmt5s8z6wygmzj` as KeyId },
  src: other,
  dst: other,
  dstUser: other,
  mechanism: 'directory',
  alg: 'HPKE-9',
  kid: other,
  directory: 'people',
  container: 'ct_0000000000000000000000000a' as NonNullable<typeof anOrderPayload.container>,
  username: 'luis',
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
} as const

it('finds the order of the example equal to its KtI and KTI', () => {
  expect(orderEqualsKti(anOrderPayload, aTransportKeyInfo)).toBe(true)
  expect(orderEqualsKeyTransferInfo(anOrderPayload, aKeyTransferInfo)).toBe(true)
})

it.each(Object.keys(changes) as (keyof typeof changes)[])(
  'finds an order with another `%s` unequal to both',
  (name) => {
    const order = { ...anOrderPayload, [name]: changes[name] }
    expect(orderEqualsKti(order, aTransportKeyInfo)).toBe(false)
    expect(orderEqualsKeyTransferInfo(order, aKeyTransferInfo)).toBe(false)
  },
)

it('lets an order demand more exposure and less time than the KtI, not the other way round', () => {
  const { minExposure, exp } = anOrderPayload
  expect(
    orderEqualsKti({ ...anOrderPayload, minExposure: { ...minExposure, source: 'in-device' } }, aTransportKeyInfo),
  ).toBe(true)
  expect(
    orderEqualsKti({ ...anOrderPayload, minExposure: { ...minExposure, target: 'software' } }, aTransportKeyInfo),
  ).toBe(false)
  const demanding = { ...aTransportKeyInfo, minExposure: { ...minExposure, source: 'host-transient' as const } }
  expect(orderEqualsKti(anOrderPayload, demanding)).toBe(false)
  expect(orderEqualsKti({ ...anOrderPayload, exp: exp - 1 }, aTransportKeyInfo)).toBe(true)
  expect(orderEqualsKti({ ...anOrderPayload, exp: exp + 1 }, aTransportKeyInfo)).toBe(false)
  expect(orderEqualsKti({ ...anOrderPayload, redelivery: true }, aTransportKeyInfo)).toBe(false)
  expect(orderEqualsKeyTransferInfo(anOrderPayload, { ...aKeyTransferInfo, exp: exp + 1 })).toBe(false)
})

it('asks for an option in the KtI only, not where the terms are the server’s own', () => {
  const order = { ...anOrderPayload, alg: 'HPKE-9' }
  expect(orderEqualsDelivery(order, aTransportKeyInfo)).toBe(true)
  expect(orderEqualsKti(order, aTransportKeyInfo)).toBe(false)
})

it('takes the whole of one option: suite, secret and data', () => {
  const secret = 'ss_0000000000000000000000000a' as NonNullable<typeof anOrderPayload.secret>
  const option = { alg: 'A256KW', secret, data: 'AAAA' }
  const { kid: _, ...order } = { ...anOrderPayload, ...option }
  expect(orderTakesOption(order, [option])).toBe(true)
  expect(orderTakesOption(order, [{ ...option, alg: 'A256KWP' }])).toBe(false)
  expect(orderTakesOption(order, [{ alg: 'A256KW', data: 'AAAA' }])).toBe(false)
  expect(orderTakesOption(order, [{ ...option, data: 'AAAB' }])).toBe(false)
})

it('finds an order with another secret or other data unequal to its KTI', () => {
  const secret = 'ss_0000000000000000000000000a' as NonNullable<typeof anOrderPayload.secret>
  expect(orderEqualsKeyTransferInfo({ ...anOrderPayload, secret }, aKeyTransferInfo)).toBe(false)
  expect(orderEqualsKeyTransferInfo({ ...anOrderPayload, data: 'AAAA' }, aKeyTransferInfo)).toBe(false)
})

it('takes the nonce of the order, and any where it has none', () => {
  const { nonce } = aKeyTransferInfo
  expect(orderEqualsKeyTransferInfo({ ...anOrderPayload, nonce }, aKeyTransferInfo)).toBe(true)
  expect(orderEqualsKti({ ...anOrderPayload, nonce }, { ...aTransportKeyInfo, nonce })).toBe(true)
})

it('calls JSON values equal whatever the order of members, and absent equal to absent only', () => {
  expect(equalJson({ a: 1, b: [{ c: true }] }, { b: [{ c: true }], a: 1 })).toBe(true)
  expect(equalJson([1, 2], [2, 1])).toBe(false)
  expect(equalJson({ a: 1 }, { a: 1, b: 2 })).toBe(false)
  expect(equalJson({ a: 1 }, { b: 1 })).toBe(false)
  expect(equalJson([], {})).toBe(false)
  expect(equalJson({}, 1)).toBe(false)
  expect(equalJson({ a: undefined }, { b: undefined })).toBe(false)
  expect(equalJson(undefined, undefined)).toBe(true)
  expect(equalJson(undefined, 1)).toBe(false)
  fc.assert(fc.property(fc.jsonValue(), (value) => equalJson(value, structuredClone(value))))
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(equalJson(a, b)).toBe(equalJson(b, a))
    }),
  )
})
