import { expect, it } from 'vitest'
import { exampleSigner, exampleTransportKey, withCode } from '../../test/example-keys.ts'
import {
  aDevice,
  DAY,
  luisRoot,
  martaKid,
  martaPhone,
  martaPhoneEnc,
  martaRoot,
  NOW,
  ORIGIN,
} from '../../test/example-statements.ts'
import type { DevicePayload } from './device.ts'
import { checkDeviceStatement, findOffer, keyIdsOf, offerTakes } from './device-checks.ts'

const EXPECTED = { origin: ORIGIN, user: martaRoot.id }

async function invalid(members: Partial<DevicePayload>): Promise<void> {
  await expect(checkDeviceStatement(await aDevice(members), EXPECTED)).rejects.toEqual(withCode('statement-invalid'))
}

it('takes what a device says of itself', async () => {
  const access = exampleSigner('marta phone access').jwk
  await expect(checkDeviceStatement(await aDevice({ access }), EXPECTED)).resolves.toBeUndefined()
  await expect(checkDeviceStatement(await aDevice(), { origin: ORIGIN })).resolves.toBeUndefined()
})

it('refuses a statement for another origin or user, too long a life, or by another key', async () => {
  await invalid({ origin: 'https://other.example' })
  await invalid({ user: luisRoot.id })
  await invalid({ exp: NOW + 90 * DAY })
  await invalid({ jwk: exampleSigner('other').jwk })
  const misnamed = await aDevice({}, { ...martaPhone, id: luisRoot.id })
  await expect(checkDeviceStatement(misnamed, EXPECTED)).rejects.toEqual(withCode('statement-invalid'))
})

it('refuses two roles that share a key', async () => {
  const [offer] = (await aDevice()).payload.enc
  if (offer === undefined) throw new Error('the example offers a key')
  await invalid({ enc: [offer, { ...offer, alg: 'ECDH-ES+A256KW' }] })
  await invalid({ access: martaPhone.jwk })
  await invalid({ enc: [{ ...offer, exp: offer.nbf }] })
  const { alg: _, ...asTransport } = martaPhone.jwk
  await invalid({ enc: [{ ...offer, jwk: asTransport as DevicePayload['enc'][0]['jwk'] }] })
})

it('refuses a statement that was altered', async () => {
  const statement = await aDevice()
  const other = await aDevice({ seq: 2 })
  const parts = { ...statement.jws.parts, signature: other.jws.parts.signature }
  await expect(checkDeviceStatement({ ...statement, jws: { ...statement.jws, parts } }, EXPECTED)).rejects.toEqual(
    withCode('statement-invalid'),
  )
})

it('finds a transport key by its thumbprint', async () => {
  const { payload } = await aDevice()
  expect(findOffer(payload, martaKid)?.jwk).toEqual(martaPhoneEnc.jwk)
  expect(findOffer(payload, martaPhone.id)).toBeNull()
  expect(keyIdsOf(payload)).toEqual([martaRoot.id, martaPhone.id, martaKid])
})

it('lets keys of blob suites take the keys of one owner, of others those of anybody', () => {
  const offer = {
    jwk: exampleTransportKey('x').jwk,
    alg: 'RSA-OAEP-256',
    nbf: 0,
    exp: 1,
    exposure: 'software',
  } as const
  expect(offerTakes(offer, martaRoot.id, martaRoot.id)).toBe(true)
  expect(offerTakes(offer, martaRoot.id, luisRoot.id)).toBe(false)
  expect(offerTakes({ ...offer, owner: luisRoot.id }, martaRoot.id, luisRoot.id)).toBe(true)
  expect(offerTakes({ ...offer, owner: luisRoot.id }, martaRoot.id, martaRoot.id)).toBe(false)
  expect(offerTakes({ ...offer, alg: 'HPKE-7' }, martaRoot.id, luisRoot.id)).toBe(true)
})
