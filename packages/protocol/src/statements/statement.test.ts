import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exampleSigner, withCode } from '../../test/example-keys.ts'
import {
  aDevice,
  aGrant,
  aKeyTransferInfo,
  anOrder,
  aReceipt,
  aSet,
  aTransportKeyInfo,
  aUser,
  luisTablet,
  martaPhone,
  NOW,
  ORDER_REF,
} from '../../test/example-statements.ts'
import { KeyferryError } from '../errors.ts'
import type { NoticeId } from '../ids/ids.ts'
import { joinCompact, signJws } from '../jose/jws.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { deviceStatement } from './device.ts'
import { deviceSetStatement } from './device-set.ts'
import { grantStatement } from './grant.ts'
import { readKeyTransferAnswer, readKeyTransferInfo } from './key-transfer-info.ts'
import { noticeStatement } from './notice.ts'
import { makeNotice } from './notice-checks.ts'
import { orderStatement } from './order.ts'
import { receiptStatement } from './receipt.ts'
import {
  inTime,
  readStatement,
  type Statement,
  type StatementType,
  signStatement,
  verifyStatement,
} from './statement.ts'
import { readTransportKeyInfo } from './transport-key-info.ts'
import { userStatement } from './user.ts'

const ca = exampleSigner('ca')
const server = exampleSigner('server')
const notice = signStatement(
  noticeStatement,
  server,
  makeNotice({
    id: 'nt_0hmxmww82hdavq3c19kc1pm9kn' as NoticeId,
    origin: 'https://keys.example',
    type: 'keyferry.wake.v1',
    time: NOW,
    expiresAt: NOW + 60,
  }),
)

interface Sample {
  readonly type: StatementType<unknown>
  readonly statement: Statement<unknown>
}
const samples: Sample[] = [
  { type: deviceStatement, statement: await aDevice() },
  { type: deviceSetStatement, statement: await aSet() },
  { type: userStatement, statement: await aUser(ca) },
  { type: grantStatement, statement: await aGrant(exampleSigner('app')) },
  { type: orderStatement, statement: await anOrder() },
  { type: receiptStatement, statement: await aReceipt(ORDER_REF) },
  { type: noticeStatement, statement: await notice },
]

describe.each(samples)('$type.typ', ({ type, statement }) => {
  it('is read as it was signed', () => {
    expect(readStatement(type, statement.text)).toEqual(statement)
  })

  it('is refused with its own code, or read, whatever octet of its payload changes', () => {
    const { parts, payload } = statement.jws
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(payload)
        changed[at] = (changed[at] as number) ^ bits
        const text = `${parts.protected}.${toBase64url(changed)}.${parts.signature}`
        expectReadOrRefused(type, text)
      }),
    )
  })

  it('is refused with its own code, or read, whatever character of its text changes', () => {
    fc.assert(
      fc.property(fc.nat(statement.text.length - 1), fc.string({ maxLength: 2 }), (at, other) => {
        expectReadOrRefused(type, statement.text.slice(0, at) + other + statement.text.slice(at + 1))
      }),
    )
  })

  it('is refused without any of its members, and with members that it does not know', () => {
    const payload = statement.payload as Record<string, unknown>
    for (const name of Object.keys(payload)) {
      const { [name]: _, ...rest } = payload
      expect(() => readStatement(type, withPayload(statement, rest))).toThrow(withCode(type.code))
    }
    if (type !== noticeStatement) {
      expect(() => readStatement(type, withPayload(statement, { ...payload, more: 1 }))).toThrow(withCode(type.code))
      expect(() => readStatement(type, withPayload(statement, { ...payload, v: 2 }))).toThrow(withCode(type.code))
    }
  })

  it('is refused when any member is of another kind', () => {
    const payload = statement.payload as Record<string, unknown>
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(payload)), fc.jsonValue({ maxDepth: 2 }), (name, value) => {
        expectReadOrRefused(type, withPayload(statement, { ...payload, [name]: value }))
      }),
    )
  })

  it('is not taken for a statement of another type', () => {
    for (const other of samples.filter((sample) => sample.type !== type)) {
      expect(() => readStatement(other.type, statement.text)).toThrow(withCode(other.type.code))
    }
  })

  it('does not verify under another key', async () => {
    expect(await verifyStatement(statement, exampleSigner('somebody').jwk)).toBe(false)
  })
})

/** An altered statement is refused, or says exactly what its octets say; never another exception. */
function expectReadOrRefused(type: StatementType<unknown>, text: string): void {
  let read: Statement<unknown>
  try {
    read = readStatement(type, text)
  } catch (error) {
    expect(error).toBeInstanceOf(KeyferryError)
    expect((error as KeyferryError).code).toBe(type.code)
    return
  }
  const plain = JSON.parse(new TextDecoder().decode(fromBase64url(text.split('.')[1] as string)))
  if (type === noticeStatement) expect(plain).toMatchObject(read.payload as object)
  else expect(read.payload).toEqual(plain)
}

function withPayload({ jws }: Statement<unknown>, payload: unknown): string {
  return `${jws.parts.protected}.${toBase64url(utf8(JSON.stringify(payload)))}.${jws.parts.signature}`
}

describe.each([
  { name: 'KtI', read: readTransportKeyInfo, value: aTransportKeyInfo, code: 'kti-invalid' },
  { name: 'KTI', read: readKeyTransferInfo, value: aKeyTransferInfo, code: 'binding-mismatch' },
  {
    name: 'T2 answer',
    read: readKeyTransferAnswer,
    value: {
      v: 1,
      binding: 'e30',
      envelope: ORDER_REF,
      statements: { [ORDER_REF]: 'a.b.c' },
      checkpoint: '',
      proofs: {},
    },
    code: 'envelope-malformed',
  },
] as const)('$name', ({ read, value, code }) => {
  it('is read as it was written', () => {
    expect(read(utf8(JSON.stringify(value)))).toEqual(value)
  })

  it('is refused with its own code, or read, whatever octet changes', () => {
    const octets = utf8(JSON.stringify(value))
    fc.assert(
      fc.property(fc.nat(octets.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Uint8Array.from(octets)
        changed[at] = (changed[at] as number) ^ bits
        let result: unknown
        try {
          result = read(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(KeyferryError)
          expect((error as KeyferryError).code).toBe(code)
          return
        }
        expect(result).toEqual(JSON.parse(new TextDecoder().decode(changed)))
      }),
    )
  })
})

it('signs nothing that no reader would take', async () => {
  await expect(anOrder({ attempt: 0 })).rejects.toEqual(withCode('order-invalid'))
  await expect(anOrder({ mechanism: 'shared-secret' })).rejects.toEqual(withCode('order-invalid'))
  await expect(anOrder({ username: 'luis' })).rejects.toEqual(withCode('order-invalid'))
})

describe('the members of mechanism and class', () => {
  const secret = 'ss_0000000000000000000000000a'
  const { kid, ...keyless } = aKeyTransferInfo
  const derived = { ...keyless, secret, data: 'AAAA', mechanism: 'derived-key' }

  it('are those of a KTI', () => {
    const { container: _, ...classless } = aKeyTransferInfo
    const directory = { ...aKeyTransferInfo, mechanism: 'directory', directory: 'people' }
    for (const good of [derived, directory]) expect(readKeyTransferInfo(utf8(JSON.stringify(good)))).toEqual(good)
    for (const bad of [
      keyless,
      classless,
      { ...aKeyTransferInfo, secret },
      { ...aKeyTransferInfo, data: 'AAAA' },
      { ...aKeyTransferInfo, directory: 'people' },
      { ...aKeyTransferInfo, username: 'marta' },
      { ...derived, data: '' },
      { ...derived, data: toBase64url(new Uint8Array(65)) },
    ]) {
      expect(() => readKeyTransferInfo(utf8(JSON.stringify(bad)))).toThrow(withCode('binding-mismatch'))
    }
  })

  it('are those of a KtI and its options', () => {
    const { container: _, ...classless } = aTransportKeyInfo
    const withOption = (option: object): object => ({ ...aTransportKeyInfo, options: [option] })
    const directory = { ...aTransportKeyInfo, mechanism: 'directory', directory: 'people' }
    expect(readTransportKeyInfo(utf8(JSON.stringify(directory)))).toEqual(directory)
    for (const bad of [
      classless,
      { ...aTransportKeyInfo, username: 'marta' },
      { ...aTransportKeyInfo, directory: 'people' },
      { ...aTransportKeyInfo, mechanism: 'shared-secret' },
      withOption({ alg: 'HPKE-7' }),
      withOption({ alg: 'HPKE-7', kid, secret }),
      withOption({ alg: 'HPKE-7', kid, data: 'AAAA' }),
    ]) {
      expect(() => readTransportKeyInfo(utf8(JSON.stringify(bad)))).toThrow(withCode('kti-invalid'))
    }
  })
})

it('ignores what stands in `ext`, and keeps it', async () => {
  const order = await anOrder({ ext: { later: [1, { a: 'b' }] } })
  expect(readStatement(orderStatement, order.text).payload.ext).toEqual({ later: [1, { a: 'b' }] })
})

it('reads a set and a statement that name keys of a kind that we do not know', async () => {
  const jwk = { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA' }
  const enc = {
    jwk: { kty: 'OKP', crv: 'X25519', x: 'AAAA' },
    alg: 'HPKE-99',
    nbf: 0,
    exp: 1,
    exposure: 'software',
  } as const
  const device = await aDevice({ enc: [enc], access: jwk })
  expect(readStatement(deviceStatement, device.text).payload.enc).toEqual([enc])
})

it('refuses a key of a kind that we know when it has another form', async () => {
  const jwk = { ...martaPhone.jwk, kid: 'x' }
  await expect(aSet({ devices: [{ id: martaPhone.id, jwk, kind: 'ese', roles: [] }] })).rejects.toEqual(
    withCode('set-invalid'),
  )
})

it('refuses transport keys and signing keys of the other kinds that we know, too, in another form', async () => {
  const { payload } = await aDevice()
  const offer = payload.enc[0] as (typeof payload.enc)[0]
  const point = { x: offer.jwk.x as string, y: offer.jwk.y as string }
  for (const jwk of [
    { kty: 'EC', crv: 'P-256', ...point, alg: 'ES256' },
    { kty: 'RSA', n: 'AAAA', e: 'AQAB', alg: 'RSA-OAEP' },
    { kty: 'AKP', alg: 'HPKE-9' },
  ]) {
    await expect(aDevice({ enc: [{ ...offer, jwk }] })).rejects.toEqual(withCode('statement-invalid'))
  }
  for (const jwk of [
    { kty: 'OKP', crv: 'Ed25519', x: point.x },
    { kty: 'RSA', alg: 'PS256', n: 'AAAA', e: 'Aw' },
  ]) {
    await expect(aDevice({ access: jwk })).rejects.toEqual(withCode('statement-invalid'))
  }
  for (const access of [
    { kty: 'EC', crv: 'P-384', ...point },
    { kty: 'OKP', crv: 'Ed448', x: point.x },
    { kty: 'RSA', alg: 'RS256', n: 'AAAA', e: 'Aw' },
  ]) {
    expect((await aDevice({ access })).payload.access).toEqual(access)
  }
})

it('goes by the type and the algorithm that are signed', async () => {
  const { text, jws } = await aSet()
  const typed = joinCompact(await signJws(luisTablet, 'kf-device+jwt', jws.payload))
  expect(() => readStatement(deviceSetStatement, typed)).toThrow(withCode('set-invalid'))
  expect(() => readStatement(deviceSetStatement, `${text}.AAAA`)).toThrow(withCode('set-invalid'))
  const other = { ...luisTablet, jwk: { ...luisTablet.jwk, alg: 'PS256' } as unknown as typeof luisTablet.jwk }
  const renamed = joinCompact(await signJws(other, 'kf-device-set+jwt', jws.payload))
  expect(await verifyStatement(readStatement(deviceSetStatement, renamed), luisTablet.jwk)).toBe(false)
})

it('gives a reason in a receipt that is no success, and the exposure in one that is', async () => {
  const { exposure, ...bare } = (await aReceipt(ORDER_REF)).payload
  const sign = (members: object) => signStatement(receiptStatement, martaPhone, { ...bare, ...members })
  await expect(sign({ outcome: 'rejected', reason: 'declined' })).resolves.toBeDefined()
  for (const wrong of [
    {},
    { exposure, reason: 'declined' },
    { outcome: 'rejected' },
    { outcome: 'rejected', reason: 'declined', exposure },
  ]) {
    await expect(sign(wrong)).rejects.toEqual(withCode('receipt-invalid'))
  }
})

it('leaves `order` and `key` out of a receipt only where they could not be read', async () => {
  const { order: _, key: __, exposure: ___, ...bare } = (await aReceipt(ORDER_REF)).payload
  const rejected = { ...bare, outcome: 'rejected' } as const
  const sign = (reason: string) => signStatement(receiptStatement, martaPhone, { ...rejected, reason })
  await expect(sign('envelope-malformed')).resolves.toBeDefined()
  await expect(sign('binding-mismatch')).resolves.toBeDefined()
  await expect(sign('declined')).rejects.toEqual(withCode('receipt-invalid'))
})

it('is in time from a minute before its start until its end', () => {
  const validity = { iat: 1000, exp: 2000 }
  expect([939, 940, 1999, 2000].map((now) => inTime(validity, now))).toEqual(['early', 'in-time', 'in-time', 'expired'])
  expect(inTime({ nbf: 1000, exp: 2000 }, 939)).toBe('early')
})

it('verifies nothing under a key that is not sound', async () => {
  const order = await anOrder()
  expect(await verifyStatement(order, { ...luisTablet.jwk, y: toBase64url(new Uint8Array(32)) })).toBe(false)
  expect(
    await verifyStatement(order, { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: toBase64url(new Uint8Array(32)) }),
  ).toBe(false)
})
