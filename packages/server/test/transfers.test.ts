import {
  checkCheckpoint,
  checkConsistency,
  checkInclusion,
  hpke7,
  makeLeaf,
  parseVkey,
  readEnvelope,
  readKeyTransferAnswer,
  readTransportKeyInfo,
  unwrapKey,
  utf8,
} from '@keyferry/protocol'
import { KEY_OCTETS, ORIGIN } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { acknowledge } from '../src/transfers/acknowledge.ts'
import { collect } from '../src/transfers/collect.ts'
import { deposit } from '../src/transfers/deposit.ts'
import { evidence } from '../src/transfers/evidence.ts'
import { keyTransferInfo } from '../src/transfers/key-transfer-info.ts'
import { getDelivery, getTransfer, listDecisions } from '../src/transfers/read.ts'
import { transportKeyInfo } from '../src/transfers/transport-key-info.ts'
import {
  anEnvelope,
  ask,
  aTransferWorld,
  expectRefused,
  PROOF_WINDOW,
  receiptFor,
  rowOf,
  toldTo,
  visit,
} from './transfer-world.ts'
import { asDevice } from './world.ts'

it('carries a key from E1 to E10 though source and target are never there together', async () => {
  const world = await aTransferWorld()
  const { context, phone, martas, clock } = world
  // E1: marta's device asks for it; the phone is away.
  const { dl, tr } = await ask(world, {}, martas)
  expect(await toldTo(world, phone.id)).toEqual(['wake'])
  expect((await getDelivery(context, await asDevice(world, martas), dl)).view).toMatchObject({
    state: 'requested',
    waitingFor: ['source-proof'],
  })
  clock.advance(PROOF_WINDOW)

  // E2, E3: the phone comes by; S1/S2.
  const source = await visit(world, phone)
  expect(await toldTo(world, phone.id)).toEqual(['wake', 'source-requested'])
  const info = await transportKeyInfo(context, source, dl, 0)
  expect(readTransportKeyInfo(utf8(JSON.stringify(info)))).toEqual(info)
  const head = await checkCheckpoint(info.checkpoint, {
    log: parseVkey(context.log.vkey),
    witnesses: [],
    quorum: 0,
    last: null,
    now: clock.now(),
  })
  for (const ref of [info.source.set, info.target.set, info.source.statement, info.target.statement]) {
    const typ = ref === info.source.set || ref === info.target.set ? 'kf-device-set+jwt' : 'kf-device+jwt'
    const user = ref === info.source.set || ref === info.source.statement ? world.luis.id : world.marta.id
    checkInclusion(makeLeaf(ORIGIN, { typ, ref, user }), info.proofs[ref], head)
  }

  // E4, E5: it wraps and deposits; marta's device is away.
  const envelope = await anEnvelope(world, info)
  const deposited = await deposit(context, source, dl, 1, envelope.octets)
  expect(deposited).toMatchObject({ state: 'deposited', created: true })
  expect((await toldTo(world, martas.id)).filter((type) => type === 'wake')).toHaveLength(1)
  clock.advance(PROOF_WINDOW)

  // E6, E7: marta's device comes by; T1/T2.
  const target = await visit(world, martas)
  expect(await toldTo(world, martas.id)).toEqual(['wake', 'target-available'])
  const answer = await keyTransferInfo(context, target, dl, head.size)
  expect(readKeyTransferAnswer(utf8(JSON.stringify(answer)))).toEqual(answer)
  const read = readEnvelope(envelope.octets)
  expect(answer).toMatchObject({ envelope: read.ref, binding: read.payload.binding })
  const later = await checkCheckpoint(answer.checkpoint, {
    log: parseVkey(context.log.vkey),
    witnesses: [],
    quorum: 0,
    last: head,
    now: clock.now(),
  })
  checkConsistency(head, later, answer.consistency ?? [])
  const owner = world.luis.id
  for (const [typ, ref] of [
    ['kf-order+jwt', envelope.order.ref],
    ['kf-envelope+jws', read.ref],
  ] as const) {
    checkInclusion(makeLeaf(ORIGIN, { typ, ref, owner, dl }), answer.proofs[ref], later)
  }

  // E8, E9, E10.
  const octets = await collect(context, target, dl)
  expect(Buffer.from(octets)).toEqual(Buffer.from(envelope.octets))
  const pair = await hpke7.importKeyPair(martas.transport.jwk, martas.transport.scalar)
  const opened = readEnvelope(octets)
  const { wrapped, binding } = opened
  expect(await unwrapKey({ alg: 'HPKE-7', pair, wrapped, binding, type: 'aes' })).toEqual(KEY_OCTETS)
  expect(await context.read.sealedEnvelope(dl, 1)).not.toBeNull()
  const receipt = await receiptFor(world, { dl }, { checkpoint: read.kti.checkpoint })
  const acknowledged = await acknowledge(context, target, dl, 1, receipt.text)
  expect(acknowledged).toMatchObject({ ref: receipt.ref, state: 'completed', created: true })
  expect(await context.read.leafIndex(receipt.ref)).toBe(acknowledged.index)
  expect(await context.read.sealedEnvelope(dl, 1)).toBeNull()

  // What is left: evidence, for both sides; the records of AC1, AC2 and the collection.
  expect(await toldTo(world, phone.id)).toEqual(['wake', 'outcome'])
  expect(await toldTo(world, martas.id)).toEqual(['wake', 'outcome'])
  const { view } = await getTransfer(context, await asDevice(world, martas), tr)
  expect(view).toMatchObject({ state: 'completed', deliveries: [{ dl, state: 'completed' }] })
  const left = await evidence(context, await asDevice(world, phone), dl)
  expect(Object.keys(left.proofs)).toEqual(
    expect.arrayContaining([receipt.ref, read.ref, envelope.order.ref, info.source.set]),
  )
  const { items } = await listDecisions(context, target, dl)
  expect(items).toMatchObject([
    { stage: 'ac1', decision: 'permit', reason: 'default/other-users' },
    { stage: 'ac2', decision: 'permit' },
    { stage: 'ac2', decision: 'permit' },
  ])
  await expectRefused(collect(context, target, dl), 'delivery-closed', { state: 'completed' })
  expect((await rowOf(world, { dl })).collections).toBe(1)
})
