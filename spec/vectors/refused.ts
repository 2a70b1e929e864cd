import {
  type ErrorCode,
  fromBase64url,
  KeyferryError,
  orderStatement,
  readStatement,
  signJws,
  toBase64url,
  utf8,
} from '../../packages/protocol/src/index.ts'
import { assertEqual, luisTablet } from './example.ts'
import { order } from './story.ts'
import type { VectorFile } from './vector-file.ts'

/** Orders that are signed rightly and must be refused all the same. */
interface RefusedVector {
  name: string
  text: string
  code: ErrorCode
}

const PAYLOAD = new TextDecoder().decode(order.jws.payload)

/** Each changes the text of the payload once. */
const CHANGES: readonly [string, (payload: string) => string][] = [
  ['a member twice', (p) => p.replace('"attempt":1', '"attempt":1,"attempt":1')],
  ['a member twice, once escaped', (p) => p.replace('"attempt":1', '"attempt":1,"\\u0061ttempt":1')],
  ['an unknown member', (p) => p.replace('{"v":1', '{"v":1,"more":1')],
  ['an unknown member of a nested object', (p) => p.replace('"generation":1', '"generation":1,"ext":{}')],
  ['a member __proto__', (p) => p.replace('{"v":1', '{"v":1,"__proto__":{}')],
  ['another version', (p) => p.replace('"v":1', '"v":2')],
  ['a number with a fraction', (p) => p.replace('"attempt":1', '"attempt":1.0')],
  ['a number with an exponent', (p) => p.replace('"attempt":1', '"attempt":1e0')],
  ['a negative number', (p) => p.replace('"attempt":1', '"attempt":-1')],
  ['a number above 2^53-1', (p) => p.replace('"attempt":1', '"attempt":9007199254740992')],
  ['null', (p) => p.replace('"redelivery":false', '"redelivery":null')],
  ['a lone surrogate', (p) => p.replace('{"v":1', '{"v":1,"ext":{"a":"\\ud800"}')],
  ['something after the value', (p) => `${p} {}`],
  ['a byte order mark', (p) => `\ufeff${p}`],
  ['depth 17', (p) => p.replace('{"v":1', `{"v":1,"ext":{"a":${'['.repeat(15)}${']'.repeat(15)}}`)],
  ['a word outside the list', (p) => p.replace('"mechanism":"public-key"', '"mechanism":"postal"')],
  ['no `kid` with public-key', (p) => p.replace(/"kid":"[^"]*",/, '')],
  ['`secret` with public-key', (p) => p.replace('"kid"', '"secret":"ss_00000000000000000000000000","kid"')],
  ['no `container` with class container', (p) => p.replace(/"container":"ct_[^"]*",/, '')],
  ['a thumbprint with non-zero trailing bits', (p) => p.replace(/"kid":"([^"]{42})./, '"kid":"$19')],
  ['an id above 2^128', (p) => p.replace('"dl":"dl_0', '"dl":"dl_8')],
  ['an origin with a slash', (p) => p.replace('keys.example"', 'keys.example/"')],
  ['an origin with the default port', (p) => p.replace('keys.example"', 'keys.example:443"')],
  ['attempt 0', (p) => p.replace('"attempt":1', '"attempt":0')],
]

export const refused: VectorFile<RefusedVector[]> = {
  name: 'refused',
  async make() {
    const vectors: RefusedVector[] = []
    for (const [name, change] of CHANGES) {
      const payload = change(PAYLOAD)
      if (payload === PAYLOAD) throw new Error(`${name}: nothing was changed`)
      vectors.push({ name, text: await signed(utf8(payload)), code: 'order-invalid' })
    }
    const notUtf8 = Uint8Array.from([
      ...utf8('{"v":1,"ext":{"a":"'),
      0xff,
      ...utf8(`"},${PAYLOAD.slice('{"v":1,'.length)}`),
    ])
    vectors.push({ name: 'octets that are not UTF-8', text: await signed(notUtf8), code: 'order-invalid' })
    vectors.push(...(await refusedForms()))
    return vectors
  },
  async check(vectors) {
    for (const { name, text, code } of vectors) assertEqual(codeOf(text), code, `refused: ${name}`)
  },
}

async function signed(payload: Uint8Array, header?: object): Promise<string> {
  if (header === undefined) {
    const { protected: usual, payload: body, signature } = await signJws(luisTablet, orderStatement.typ, payload)
    return `${usual}.${body}.${signature}`
  }
  const input = `${toBase64url(utf8(JSON.stringify(header)))}.${toBase64url(payload)}`
  return `${input}.${toBase64url(await luisTablet.sign(utf8(input)))}`
}

/** The right payload in a wrong JWS. */
async function refusedForms(): Promise<RefusedVector[]> {
  const { payload, parts } = order.jws
  const header = { alg: 'ES256', typ: orderStatement.typ, kid: luisTablet.id }
  const code = 'order-invalid'
  return [
    { name: 'another typ', text: await signed(payload, { ...header, typ: 'kf-grant+jwt' }), code },
    { name: 'a header with `crit`', text: await signed(payload, { ...header, crit: ['exp'] }), code },
    { name: 'a header with `jwk`', text: await signed(payload, { ...header, jwk: luisTablet.jwk }), code },
    { name: 'a header without `kid`', text: await signed(payload, { alg: 'ES256', typ: orderStatement.typ }), code },
    { name: 'four parts', text: `${order.text}.`, code },
    { name: 'no signature', text: `${parts.protected}.${parts.payload}.`, code },
    { name: 'base64 with padding', text: `${order.text}=`, code },
    { name: 'non-zero trailing bits in the signature', text: order.text.replace(/.$/, spilt), code },
  ]
}

/** 64 octets leave 4 bits of the last digit unused: the next digit has the same octets, and one of these bits. */
function spilt(digit: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  fromBase64url(`A${digit}`)
  return digits.charAt(digits.indexOf(digit) + 1)
}

function codeOf(text: string): ErrorCode | 'taken' {
  try {
    readStatement(orderStatement, text)
    return 'taken'
  } catch (error) {
    if (error instanceof KeyferryError) return error.code
    throw error
  }
}
