import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeviceId, EnrolmentId, Ref, Thumbprint, UserId } from '../ids/ids.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { makeVkey } from '../log/vkey.ts'
import { type AnswerExpectation, checkEnrolmentAnswer, readEnrolmentAnswer, writeEnrolmentAnswer } from './answer.ts'
import {
  type Challenge,
  type ChallengeBinding,
  checkPossession,
  makeChallengeBinding,
  possessionMac,
  readChallengeBinding,
} from './challenge.ts'
import { checkPairingMac, pairingKey, pairingMac } from './pairing-mac.ts'
import { makePairingCode, makePairingString, type PairingString, parsePairingString } from './pairing-string.ts'
import { makePinText, parsePinText } from './pin-text.ts'

const ORIGIN = 'https://keys.example'
const USER = '0NcTMSlAa8MSA6mfrR5o926JOmIM_61V2CLW82ymCcs' as UserId
const A = '4KyTSRw6wYuXtvLsbaUNniSaG48dmIRlZFiNMLFuv6k' as DeviceId
const N = 'WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc' as DeviceId
const KID = 'FVE8zxIrHseOf3EmSUdYf4Hks01oE-bAhGDPskj3fh8' as Thumbprint
const STATEMENT = 'Q0yLWIfo7iliSJr4tCe9CBz5M5ArtQqvsZDghrKc6yw' as Ref
const SET = 'a2eXxbP-ZRLAmAJogdlmnvPVgpapOPyVBT9L4F54AsA' as Ref
const EN = 'en_2ck0frzqa7em6qn7679ps32h78' as EnrolmentId
const COUNT_UP = Uint8Array.from({ length: 16 }, (_, i) => i)
const LOG = makeVkey('keys.example/log', 'log', new Uint8Array(32).fill(251)).text
const CODE = '7zzzzzzzzzzzzzzzzzzzzzzzzz'

function withCode(code: string): Error {
  return expect.objectContaining({ code })
}

describe('a pairing string', () => {
  const first = { origin: ORIGIN, username: 'Zoë & Co + =', log: LOG, code: CODE }
  const pairing: PairingString = { ...first, user: USER, secret: COUNT_UP }

  it('comes back as it went out', () => {
    expect(parsePairingString(makePairingString(pairing))).toEqual(pairing)
    expect(parsePairingString(makePairingString(first))).toEqual(first)
    expect(makePairingString({ ...pairing, username: 'marta' })).toBe(
      `keyferry:?v=1&o=https%3A%2F%2Fkeys.example&u=${USER}&n=marta&l=${encodeURIComponent(LOG)}&e=${CODE}&z=00041061050r3gg28a1c60t3gf`,
    )
    expect(makePairingCode(COUNT_UP)).toBe('00041061050r3gg28a1c60t3gf')
  })

  it('may be in any order and encoded in any way that forms allow', () => {
    const text = `keyferry:?z=00041061050r3gg28a1c60t3gf&n=a+b%20c%2b&e=${CODE}&l=${LOG.replaceAll('+', '%2B')}&u=${USER}&o=${ORIGIN}&v=1`
    expect(parsePairingString(text)).toEqual({ ...pairing, username: 'a b c+' })
  })

  const good = makePairingString(pairing)
  it.each([
    ['another scheme', good.replace('keyferry:', 'keyferry-user:')],
    ['upper case', good.replace('keyferry:', 'KEYFERRY:')],
    ['no question mark', good.replace('?', '')],
    ['another version', good.replace('v=1', 'v=2')],
    ['no version', good.replace('v=1&', '')],
    ['an unknown parameter', `${good}&x=1`],
    ['a parameter of objects', `${good}&constructor=1`],
    ['a parameter twice', `${good}&v=1`],
    ['an empty parameter', `${good}&`],
    ['space at the end', `${good} `],
    ['a fragment of a percent code', good.replace('n=', 'n=%4')],
    ['no UTF-8', good.replace('n=', 'n=%ff')],
    ['a name with a line end', good.replace('n=', 'n=%0a')],
    ['a name not in NFC', good.replace('%C3%AB', 'e%CC%88')],
    ['a raw letter beyond ASCII', good.replace('%C3%AB', 'ë')],
    ['an origin with a slash', good.replace('example&', 'example%2F&')],
    ['the secret only', good.replace(/&u=[^&]*/, '')],
    ['the root id only', good.replace(/&z=[^&]*/, '')],
    ['a short code', good.replace(CODE, CODE.slice(1))],
    ['a code in upper case', good.replace(CODE, CODE.toUpperCase())],
    ['a code beyond 128 bits', good.replace(CODE, CODE.replace('7', '8'))],
    ['a plus not encoded in the vkey', good.replaceAll('%2B', '+')],
    [
      'the key of a witness',
      good.replace(
        encodeURIComponent(LOG),
        encodeURIComponent(makeVkey('w', 'witness', new Uint8Array(32).fill(9)).text),
      ),
    ],
  ])('is refused with %s', (_, text) => {
    expect(() => parsePairingString(text)).toThrow(withCode('malformed'))
  })
})

describe('a pin text', () => {
  it('comes back as it went out', () => {
    const pin = { origin: ORIGIN, user: USER, username: 'marta' }
    expect(makePinText(pin)).toBe(`keyferry-user:?v=1&o=https%3A%2F%2Fkeys.example&u=${USER}&n=marta`)
    expect(parsePinText(makePinText(pin))).toEqual(pin)
    expect(parsePinText(makePinText({ ...pin, root: KID }))).toEqual({ ...pin, root: KID })
  })

  it('comes back with any name that a user can have', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const username = text.normalize('NFC')
        const pin = { origin: ORIGIN, user: USER, username }
        fc.pre(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(username) && utf8(username).length <= 128)
        expect(parsePinText(makePinText(pin))).toEqual(pin)
      }),
    )
  })

  it.each([
    ['no name', `keyferry-user:?v=1&o=${ORIGIN}&u=${USER}`],
    ['an empty name', `keyferry-user:?v=1&o=${ORIGIN}&u=${USER}&n=`],
    ['another root id', `keyferry-user:?v=1&o=${ORIGIN}&u=${USER.slice(1)}&n=marta`],
    ['no root', `keyferry-user:?v=1&o=${ORIGIN}&u=${USER}&n=marta&r=`],
    ['another version', `keyferry-user:?v=01&o=${ORIGIN}&u=${USER}&n=marta`],
    ['http', `keyferry-user:?v=1&o=http://keys.example&u=${USER}&n=marta`],
    ['nothing', ''],
  ])('is refused with %s', (_, text) => {
    expect(() => parsePinText(text)).toThrow(withCode('malformed'))
  })
})

describe('the macs of a pairing', () => {
  it('have the K1 of the Appendix, and another key for the answer', () => {
    expect(pairingKey('new', COUNT_UP, ORIGIN).toHex()).toBe(
      'fbc6c38aed5a0bf00cd3c82949fc8cd283723fa3a9176aa6f9b2f1c76606c49d',
    )
    expect(pairingKey('answer', COUNT_UP, ORIGIN).toHex()).toBe(
      'd2038d4afb6bfc23485d0b13263cd3cccc80a9319241fac6cd8ca13b395bdf1c',
    )
  })

  it('hold for one text, one key and one origin', () => {
    const key = pairingKey('new', COUNT_UP, ORIGIN)
    const mac = pairingMac(key, 'a.b.c')
    expect(() => checkPairingMac(key, 'a.b.c', mac)).not.toThrow()
    const invalid = withCode('mac-invalid')
    expect(() => checkPairingMac(key, 'a.b.d', mac)).toThrow(invalid)
    expect(() => checkPairingMac(pairingKey('answer', COUNT_UP, ORIGIN), 'a.b.c', mac)).toThrow(invalid)
    expect(() => checkPairingMac(pairingKey('new', COUNT_UP, `${ORIGIN}:1`), 'a.b.c', mac)).toThrow(invalid)
    for (const other of ['', '*', `${mac}=`, mac.slice(1)]) {
      expect(() => checkPairingMac(key, 'a.b.c', other)).toThrow(invalid)
    }
  })
})

const B: Omit<ChallengeBinding, 'v'> = { origin: ORIGIN, en: EN, src: A, dst: N, kid: KID, alg: 'HPKE-7' }
function aChallenge(changes: object = {}, kid = KID): Challenge {
  const binding = toBase64url(utf8(JSON.stringify({ v: 1, ...B, ...changes })))
  return { kid, binding, wrapped: { protected: 'AA', encrypted_key: 'AA', ciphertext: 'AA' } }
}
const ANSWER = {
  en: EN,
  statement: STATEMENT,
  set: SET,
  serverKeys: [KID],
  checkpoint: { size: 3, root: KID },
  challenges: [aChallenge()],
}
const EXPECTED: AnswerExpectation = {
  origin: ORIGIN,
  en: EN,
  statement: STATEMENT,
  set: SET,
  me: N,
  enc: new Map([[KID, 'HPKE-7']]),
  listed: new Set([A]),
}

describe('an answer', () => {
  it('comes back as it went out, with challenges that may be opened', () => {
    const answer = readEnrolmentAnswer(writeEnrolmentAnswer(ANSWER))
    expect(answer).toEqual({ v: 1, ...ANSWER })
    const [challenge] = checkEnrolmentAnswer(answer, EXPECTED)
    expect(challenge).toMatchObject({ kid: KID, alg: 'HPKE-7' })
    expect(challenge?.bindingOctets).toEqual(makeChallengeBinding(B))
  })

  it('may carry additions, which count for nothing', () => {
    const text = toBase64url(utf8(JSON.stringify({ v: 1, ...ANSWER, ext: { a: 1 } })))
    expect(checkEnrolmentAnswer(readEnrolmentAnswer(text), EXPECTED)).toHaveLength(1)
  })

  it.each([
    ['no b64u', '*'],
    ['no version', toBase64url(utf8(JSON.stringify(ANSWER)))],
    ['another version', toBase64url(utf8(JSON.stringify({ v: 2, ...ANSWER })))],
    ['an unknown member', toBase64url(utf8(JSON.stringify({ v: 1, ...ANSWER, x: 1 })))],
    ['no server key', toBase64url(utf8(JSON.stringify({ v: 1, ...ANSWER, serverKeys: [] })))],
    ['a member twice', toBase64url(utf8(JSON.stringify({ v: 1, ...ANSWER }).replace('{', '{"v":1,')))],
  ])('is refused with %s', (_, text) => {
    expect(() => readEnrolmentAnswer(text)).toThrow(withCode('statement-invalid'))
  })

  it('is for one enrolment, statement and set', () => {
    const answer = readEnrolmentAnswer(writeEnrolmentAnswer(ANSWER))
    for (const change of [{ en: 'en_x' as EnrolmentId }, { statement: SET }, { set: STATEMENT }]) {
      expect(() => checkEnrolmentAnswer(answer, { ...EXPECTED, ...change })).toThrow(withCode('statement-invalid'))
    }
  })

  it.each([
    ['of another origin', aChallenge({ origin: 'https://other.example' })],
    ['of another enrolment', aChallenge({ en: EN.replace('2', '3') })],
    ['for another device', aChallenge({ dst: A })],
    ['for another key', aChallenge({ kid: A })],
    ['for a key that is not mine', aChallenge({ kid: A }, A as Thumbprint)],
    ['for another suite', aChallenge({ alg: 'HPKE-9' })],
    ['by a device that is not in the set', aChallenge({ src: KID })],
    ['by myself', aChallenge({ src: N })],
    ['with an addition', aChallenge({ ext: {} })],
    ['of a KTI', aChallenge({ order: KID })],
    ['that is no b64u', { ...aChallenge(), binding: 'A' }],
  ])('is refused with a challenge %s', (_, challenge) => {
    const answer = { v: 1 as const, ...ANSWER, challenges: [challenge] }
    const expected = { ...EXPECTED, listed: new Set([A, N]) }
    expect(() => checkEnrolmentAnswer(answer, expected)).toThrow(withCode('possession-failed'))
  })

  it('challenges each key once', () => {
    const answer = { v: 1 as const, ...ANSWER, challenges: [aChallenge(), aChallenge()] }
    expect(() => checkEnrolmentAnswer(answer, EXPECTED)).toThrow(withCode('possession-failed'))
  })
})

describe('possession', () => {
  const C = new Uint8Array(32).fill(3)
  const other = new Uint8Array(32).fill(4)
  const challenges = new Map([
    [KID, C],
    [A, other],
  ])
  const right = [
    { kid: KID, mac: possessionMac(C, EN, N) },
    { kid: A, mac: possessionMac(other, EN, N) },
  ]

  it('is shown by one right answer for each key', () => {
    expect(() => checkPossession(right, challenges, EN, N)).not.toThrow()
    expect(fromBase64url(possessionMac(C, EN, N))).toHaveLength(32)
    expect(() => checkPossession([], new Map(), EN, N)).not.toThrow()
  })

  it('is not shown by fewer, more or wrong ones', () => {
    const [first, second] = right
    if (!first || !second) throw new Error('two answers')
    const failed = withCode('possession-failed')
    for (const answers of [
      [],
      [first],
      [first, first],
      [first, second, first],
      [first, { kid: N, mac: second.mac }],
      [first, { ...second, mac: first.mac }],
      [first, { ...second, mac: '' }],
    ]) {
      expect(() => checkPossession(answers, challenges, EN, N)).toThrow(failed)
    }
    expect(() => checkPossession(right, challenges, EN, A)).toThrow(failed)
  })

  it('is asked with octets that read as they were written', () => {
    expect(readChallengeBinding(makeChallengeBinding(B))).toEqual({ v: 1, ...B })
  })
})
