import { expect, it } from 'vitest'
import { exampleSigner, withCode } from '../../test/example-keys.ts'
import {
  anOrderPayload,
  aReceipt,
  aSet,
  aUser,
  DAY,
  martaPhone,
  martaRoot,
  NOW,
  ORDER_REF,
  ORIGIN,
} from '../../test/example-statements.ts'
import type { NoticeId } from '../ids/ids.ts'
import { makeNotice, noticeIsLive } from './notice-checks.ts'
import { checkReceipt, receiptMatches } from './receipt-checks.ts'
import { checkUserStatement } from './user-checks.ts'

const envelope = (await aSet()).ref
const { tr, dl, attempt, key } = anOrderPayload
const facts = { origin: ORIGIN, tr, dl, attempt, envelope, order: ORDER_REF, key, dst: martaPhone.id }

it('takes the receipt of the target for this envelope', async () => {
  await expect(checkReceipt(await aReceipt(envelope), facts, martaPhone.jwk)).resolves.toBeUndefined()
})

it('takes no other', async () => {
  for (const other of [
    await aReceipt(ORDER_REF),
    await aReceipt(envelope, { attempt: 2 }),
    await aReceipt(envelope, { tr: 'tr_0000000000000000000000000a' as typeof tr }),
    await aReceipt(envelope, { dl: 'dl_0000000000000000000000000a' as typeof dl }),
    await aReceipt(envelope, { key: { id: key.id.replace('0tp', '1tp') as typeof key.id, generation: 1 } }),
    await aReceipt(envelope, { order: envelope }),
    await aReceipt(envelope, { key: { id: key.id, generation: 2 } }),
    await aReceipt(envelope, { origin: 'https://other.example' }),
  ]) {
    expect(receiptMatches(other.payload, facts)).toBe(false)
    await expect(checkReceipt(other, facts, martaPhone.jwk)).rejects.toMatchObject({
      code: 'receipt-invalid',
      details: { check: 'binding-mismatch' },
    })
  }
})

it('takes none that the target did not sign', async () => {
  const unsigned = { code: 'receipt-invalid', details: { check: 'signature-invalid' } }
  const other = exampleSigner('other')
  const receipt = await aReceipt(envelope)
  await expect(checkReceipt(receipt, facts, other.jwk)).rejects.toMatchObject(unsigned)
  await expect(checkReceipt(receipt, { ...facts, dst: other.id }, martaPhone.jwk)).rejects.toMatchObject(unsigned)
  await expect(checkReceipt({ ...receipt, kid: other.id }, facts, martaPhone.jwk)).rejects.toMatchObject(unsigned)
  const { signature } = (await aReceipt(ORDER_REF)).jws.parts
  const forged = { ...receipt, jws: { ...receipt.jws, parts: { ...receipt.jws.parts, signature } } }
  await expect(checkReceipt(forged, facts, martaPhone.jwk)).rejects.toMatchObject(unsigned)
})

it('takes one that leaves out what the target could not read', async () => {
  const { order: _, key: __, exposure: ___, ...bare } = (await aReceipt(envelope)).payload
  expect(receiptMatches({ ...bare, outcome: 'rejected', reason: 'envelope-malformed' }, facts)).toBe(true)
})

const ca = exampleSigner('ca')
const EXPECTED = { origin: ORIGIN, caIds: [ca.id] }

it('takes a name from a CA whose word counts', async () => {
  await expect(checkUserStatement(await aUser(ca), { ...EXPECTED, now: NOW })).resolves.toBeUndefined()
  for (const other of [
    await aUser(exampleSigner('other ca')),
    await aUser(ca, { origin: 'https://other.example' }),
    await aUser(ca, { exp: NOW + 399 * DAY }),
    await aUser({ ...ca, id: martaRoot.id }),
    await aUser({ ...exampleSigner('other ca'), id: ca.id, jwk: ca.jwk }),
    await aUser(ca, { user: ca.id }),
    await aUser(ca, { root: ca.id }),
    await aUser(ca, { iat: NOW + 61, root: martaRoot.id }),
  ]) {
    await expect(checkUserStatement(other, { ...EXPECTED, now: NOW })).rejects.toEqual(withCode('statement-invalid'))
  }
  const otherCa = exampleSigner('other ca')
  const both = { ...EXPECTED, caIds: [ca.id, otherCa.id] }
  const misnamed = await aUser({ ...ca, id: otherCa.id })
  await expect(checkUserStatement(misnamed, both)).rejects.toEqual(withCode('statement-invalid'))
  const old = await aUser(ca)
  await expect(checkUserStatement(old, { ...EXPECTED, now: old.payload.exp })).rejects.toEqual(
    withCode('statement-expired'),
  )
})

it('calls back for a notice of its own origin until it expires', () => {
  const id = 'nt_0hmxmww82hdavq3c19kc1pm9kn' as NoticeId
  const notice = makeNotice({
    id,
    origin: ORIGIN,
    type: 'keyferry.target-available.v1',
    time: NOW,
    expiresAt: NOW + 60,
  })
  expect(notice).toMatchObject({
    time: '2026-11-24T11:00:00Z',
    data: { reason: 'key-transfer-target', callback: `${ORIGIN}/v1/notices/${id}` },
  })
  expect(noticeIsLive(notice, ORIGIN, NOW + 59)).toBe(true)
  expect(noticeIsLive(notice, ORIGIN, NOW + 60)).toBe(false)
  expect(noticeIsLive(notice, 'https://other.example', NOW)).toBe(false)
  expect(noticeIsLive({ ...notice, source: 'https://other.example' }, ORIGIN, NOW)).toBe(false)
  expect(noticeIsLive({ ...notice, data: { ...notice.data, callback: 'https://evil.example/' } }, ORIGIN, NOW)).toBe(
    false,
  )
})
