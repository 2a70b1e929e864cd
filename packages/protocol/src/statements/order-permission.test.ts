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
import { checkOrder } from './order-permission.ts'

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

it('lets no device order that has not the role, or is revoked, nor for a source that is', async () => {
  const other = exampleSigner('luis watch')
  const listed = { ...ownerSet, devices: [...ownerSet.devices, inSet(other, { roles: ['source', 'target'] })] }
  const withoutClerk = { ...ownerSet, revoked: [{ id: clerk.id, at: NOW }] }
  const withoutTablet = { ...ownerSet, revoked: [{ id: luisTablet.id, at: NOW }] }
  for (const { order, set } of [
    { order: await anOrder({}, other), set: listed },
    { order: await anOrder({}, clerk), set: withoutClerk },
    { order: await anOrder({}, clerk), set: withoutTablet },
    { order: await anOrder(), set: withoutTablet },
    { order: await anOrder(), set: { ...ownerSet, origin: 'https://other.example' } },
  ]) {
    await expect(checkOrder(order, { ownerSet: set, at: NOW })).rejects.toEqual(withCode('order-invalid'))
  }
})

it('lets nobody order in the name of another one', async () => {
  const orders = [
    await anOrder({}, { ...stranger, id: luisTablet.id }),
    await anOrder({}, { ...stranger, id: clerk.id }),
    await anOrder({ iss: clerk.id }, { ...clerk, id: luisTablet.id }),
  ]
  for (const order of orders) {
    await expect(checkOrder(order, { ownerSet, at: NOW })).rejects.toEqual(withCode('order-invalid'))
  }
})

it('lets a grantee order under the grant that he names only, and of this owner', async () => {
  const another = await aGrant(app, { perDay: 11 })
  const ofMarta = await aGrant(app, { user: martaRoot.id })
  const elsewhere = await aGrant(app, { origin: 'https://other.example' })
  for (const { order, grant } of [
    { order: await anOrder(byGrant, app), grant: another },
    { order: await anOrder({ grant: ofMarta.ref }, app), grant: ofMarta },
    { order: await anOrder({ grant: elsewhere.ref }, app), grant: elsewhere },
  ]) {
    await expect(checkOrder(order, { ownerSet, grant, at: NOW })).rejects.toEqual(withCode('order-invalid'))
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
    await aGrant(app, { minExposure: { source: 'software', target: 'in-device' } }),
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

it('covers keys by their ids too, sources that are named, and own devices where the grant says so', async () => {
  const { key } = (await anOrder()).payload
  const byId = await aGrant(app, { keys: [key.id], classes: [], sources: [luisTablet.id] })
  expect(await checkOrder(await anOrder({ grant: byId.ref }, app), { ownerSet, grant: byId, at: NOW })).toBe('grantee')
  const nobody = { users: [], cas: [] }
  const toOwn = await aGrant(app, { to: { own: true, ...nobody } })
  const home = { dstUser: luisRoot.id }
  const ordered = await anOrder({ ...home, grant: toOwn.ref }, app)
  expect(await checkOrder(ordered, { ownerSet, grant: toOwn, at: NOW })).toBe('grantee')
  const notToOwn = await aGrant(app, { to: { own: false, ...nobody } })
  const refused = checkOrder(await anOrder({ ...home, grant: notToOwn.ref }, app), {
    ownerSet,
    grant: notToOwn,
    at: NOW,
  })
  await expect(refused).rejects.toEqual(withCode('grant-exceeded'))
})

it('takes no grant to the root that made it, nor to the first one', async () => {
  const root = exampleSigner('luis root 2')
  const rotated = { ...ownerSet, root: root.jwk }
  await expect(checkGrant(await aGrant(app, {}, root), rotated)).resolves.toBeUndefined()
  for (const grantee of [root, luisRoot]) {
    const shared = checkGrant(await aGrant(grantee, {}, root), rotated)
    await expect(shared).rejects.toEqual(withCode('statement-invalid'))
  }
})

it('takes a grant of the current root only, with a life that is allowed', async () => {
  await expect(checkGrant(grant, ownerSet)).resolves.toBeUndefined()
  const wrong = [
    await aGrant(app, {}, exampleSigner('luis root 2')),
    await aGrant(app, { user: martaRoot.id }),
    await aGrant(app, { origin: 'https://other.example' }),
    await aGrant(app, {}, { ...luisRoot, id: stranger.id }),
    await aGrant(app, {}, { ...stranger, id: luisRoot.id }),
    await aGrant(app, { exp: NOW + 398 * DAY }),
    await aGrant(luisRoot),
  ]
  for (const one of wrong) await expect(checkGrant(one, ownerSet)).rejects.toEqual(withCode('statement-invalid'))
})
