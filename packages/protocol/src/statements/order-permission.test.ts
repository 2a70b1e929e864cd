import { expect, it } from 'vitest'
import { exampleSigner, withCode } from '../../test/example-keys.ts'
import {
  aGrant,
  anOrder,
  aSet,
  DAY,
  inSet,
  luisRoot,
  luisTablet,
  martaRoot,
  NOW,
} from '../../test/example-statements.ts'
import { checkGrant } from './grant-checks.ts'
import { checkOrder, whoPermits } from './order-permission.ts'

const clerk = exampleSigner('luis clerk')
const app = exampleSigner('app')
const stranger = exampleSigner('stranger')
const { payload: ownerSet } = await aSet({ devices: [inSet(luisTablet), inSet(clerk, { roles: ['order'] })] })
const grant = await aGrant(app)
const byGrant = { grant: grant.ref }

it('lets the source, an order device and a grantee order', async () => {
  const at = NOW
  expect(await checkOrder(await anOrder(), { ownerSet, at })).toBe('source')
  expect(await checkOrder(await anOrder({}, clerk), { ownerSet, at })).toBe('order-device')
  expect(await checkOrder(await anOrder(byGrant, app), { ownerSet, grant, at })).toBe('grantee')
  expect(whoPermits((await anOrder(byGrant, app)).payload, { ownerSet, grant, at })).toBe('grantee')
})

it('lets nobody else', async () => {
  const at = NOW
  const orders = [
    { order: await anOrder({}, stranger), facts: { ownerSet, at } },
    { order: await anOrder({ src: clerk.id }, clerk), facts: { ownerSet, at } },
    { order: await anOrder({ src: stranger.id }, clerk), facts: { ownerSet, at } },
    { order: await anOrder({ iss: luisTablet.id }, stranger), facts: { ownerSet, at } },
    { order: await anOrder({ exp: 1_795_514_400 + 90 * DAY + 1 }), facts: { ownerSet, at } },
    { order: await anOrder(), facts: { ownerSet: (await aSet({ devices: [] })).payload, at } },
    { order: await anOrder(), facts: { ownerSet: { ...ownerSet, user: martaRoot.id }, at } },
    { order: await anOrder(byGrant, app), facts: { ownerSet, at } },
    { order: await anOrder(byGrant, stranger), facts: { ownerSet, grant, at } },
    { order: await anOrder(byGrant, app), facts: { ownerSet, grant, at: grant.payload.exp } },
    { order: await anOrder({}, app), facts: { ownerSet, grant, at } },
  ]
  for (const { order, facts } of orders) {
    await expect(checkOrder(order, facts)).rejects.toEqual(withCode('order-invalid'))
  }
})

it('lets nobody order under a revoked grant', async () => {
  const revoking = { ...ownerSet, revoked: [{ id: grant.ref, at: NOW }] }
  const order = await anOrder(byGrant, app)
  await expect(checkOrder(order, { ownerSet: revoking, grant, at: NOW })).rejects.toEqual(withCode('order-invalid'))
})

it('stops at what a grant does not cover', async () => {
  const narrow = [
    await aGrant(app, { classes: ['shared'] }),
    await aGrant(app, { sources: [clerk.id] }),
    await aGrant(app, { algs: ['HPKE-9'] }),
    await aGrant(app, { minExposure: { source: 'in-device', target: 'software' } }),
    await aGrant(app, { to: { own: true, users: [], cas: [] } }),
    await aGrant(app, { to: { own: true, users: [], cas: [stranger.id] } }),
  ]
  for (const one of narrow) {
    const order = await anOrder({ grant: one.ref }, app)
    await expect(checkOrder(order, { ownerSet, grant: one, at: NOW })).rejects.toEqual(withCode('grant-exceeded'))
  }
  const byCa = narrow.at(-1)
  if (byCa === undefined) throw new Error('there is one')
  const facts = { ownerSet, grant: byCa, certifiedBy: new Set([stranger.id]), at: NOW }
  expect(await checkOrder(await anOrder({ grant: byCa.ref }, app), facts)).toBe('grantee')
})

it('takes a grant of the current root only, with a life that is allowed', async () => {
  await expect(checkGrant(grant, ownerSet)).resolves.toBeUndefined()
  const wrong = [
    await aGrant(app, {}, exampleSigner('luis root 2')),
    await aGrant(app, { user: martaRoot.id }),
    await aGrant(app, { exp: NOW + 398 * DAY }),
    await aGrant(luisRoot),
  ]
  for (const one of wrong) await expect(checkGrant(one, ownerSet)).rejects.toEqual(withCode('statement-invalid'))
})
