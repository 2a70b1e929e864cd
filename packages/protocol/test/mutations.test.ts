import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  deviceSetStatement,
  deviceStatement,
  fromBase64url,
  grantStatement,
  KeyferryError,
  orderStatement,
  parsePairingString,
  parsePinText,
  parseStrictJson,
  parseVkey,
  readCheckpoint,
  readEnrolmentAnswer,
  readEnvelope,
  readKeyTransferAnswer,
  readKeyTransferInfo,
  readNote,
  readRequestSignature,
  readStatement,
  readTransportKeyInfo,
  receiptStatement,
  toBase64url,
  userStatement,
  utf8,
} from '../src/index.ts'

/** At least so many inputs in all (they share the budget), none of them slower than this. */
const INPUTS = 110_000
const SLOWEST_MILLISECONDS = 50

const vectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../spec/vectors/${name}.json`, import.meta.url), 'utf8'))
const statements: { typ: string; text: string }[] = vectors('statements')
const delivery = vectors('delivery')
const pairing = vectors('pairing')
const log = vectors('log')

/** A generator that gives the same numbers in each run (xorshift32): a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const INTERESTING = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '-',
  '.',
  '=',
  '+',
  '%',
  '&',
  '\u0000',
  '\ud800',
  '\n',
  ' ',
  'é',
  '"__proto__":1,',
  '1e9',
  'null',
  '9007199254740993',
  '"a":1,"a":1,',
]

function mutated(octets: Uint8Array, below: (n: number) => number): Uint8Array {
  const result = [...octets]
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(result.length + 1)
    switch (below(5)) {
      case 0:
        result[at] = below(256)
        break
      case 1:
        result.splice(at, 1 + below(16))
        break
      case 2:
        result.splice(at, 0, ...utf8(INTERESTING[below(INTERESTING.length)] as string))
        break
      case 3:
        result.splice(at, 0, ...result.slice(at, at + below(64)))
        break
      default:
        result.length = at
    }
  }
  return new Uint8Array(result)
}

interface Parser {
  readonly name: string
  readonly seeds: readonly Uint8Array[]
  readonly parse: (octets: Uint8Array) => unknown
}

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1')
const text = (octets: Uint8Array): string => Buffer.from(octets).toString('utf8')
const payloadOf = (compact: string): Uint8Array => fromBase64url(compact.split('.')[1] as string)
/** Behind an intact header, so that mutations reach the payload's shape. */
const inJws = (compact: string, payload: Uint8Array): string => {
  const [header, , signature] = compact.split('.')
  return `${header}.${toBase64url(payload)}.${signature}`
}

const SIGNED = `kf=("@method" "@target-uri" "content-digest" "content-type");created=1795521600;expires=1795521900;nonce="rlTfEhd99pz7iZdhnbXluA";keyid="WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc";tag="kf-req-1"
kf=:${Buffer.alloc(64, 7).toString('base64')}:`

const TYPES = [deviceStatement, deviceSetStatement, userStatement, grantStatement, orderStatement, receiptStatement]
const PARSERS: Parser[] = [
  ...TYPES.flatMap((type): Parser[] => {
    const own = statements.filter(({ typ }) => typ === type.typ).map((statement) => statement.text)
    const first = own[0] as string
    return [
      {
        name: type.typ,
        seeds: own.map(utf8),
        parse: (octets) => readStatement<unknown>(type as never, latin1(octets)),
      },
      {
        name: `${type.typ} payload`,
        seeds: own.map(payloadOf),
        parse: (octets) => readStatement<unknown>(type as never, inJws(first, octets)),
      },
    ]
  }),
  { name: 'envelope', seeds: [utf8(delivery.envelope.text)], parse: (octets) => readWhole(octets) },
  { name: 'KtI', seeds: [utf8(delivery.kti)], parse: readTransportKeyInfo },
  { name: 'KTI', seeds: [utf8(delivery.binding.text)], parse: readKeyTransferInfo },
  { name: 'T2', seeds: [utf8(delivery.t2)], parse: readKeyTransferAnswer },
  { name: 'strict JSON', seeds: [utf8(delivery.kti), utf8('{"a":[1,true,"x\\u0041"]}')], parse: parseStrictJson },
  {
    name: 'pairing string',
    seeds: [utf8(pairing.string), utf8(pairing.firstDeviceString)],
    parse: (octets) => parsePairingString(text(octets)),
  },
  { name: 'pin', seeds: [utf8(pairing.pin)], parse: (octets) => parsePinText(text(octets)) },
  {
    name: 'enrolment answer',
    seeds: [utf8(pairing.answer.answer)],
    parse: (octets) => readEnrolmentAnswer(latin1(octets)),
  },
  { name: 'vkey', seeds: [utf8(log.vkey), utf8(log.witness)], parse: (octets) => parseVkey(text(octets)) },
  {
    name: 'note',
    seeds: log.checkpoints.map(({ note }: { note: string }) => utf8(note)),
    parse: (octets) => readNote(text(octets)),
  },
  {
    name: 'checkpoint',
    seeds: log.checkpoints.map(({ note }: { note: string }) => utf8(note)),
    parse: (octets) => readCheckpoint(text(octets)),
  },
  { name: 'signature fields', seeds: [utf8(SIGNED)], parse: (octets) => readSignature(latin1(octets)) },
]

function readWhole(octets: Uint8Array): unknown {
  const envelope = readEnvelope(octets)
  return [envelope.order, envelope.kti]
}

function readSignature(fields: string): unknown {
  const [input, signature] = fields.split('\n')
  return readRequestSignature(
    {
      method: 'POST',
      targetUri: 'https://keys.example/v1/inbox/poll',
      headers: (name) =>
        ({
          'signature-input': input,
          signature,
          'content-digest': 'sha-256=:AA==:',
          'content-type': 'application/json',
        })[name],
    },
    true,
  )
}

function fastestOf(times: number, parse: Parser['parse'], input: Uint8Array): number {
  const taken = Array.from({ length: times }, () => {
    const start = performance.now()
    try {
      parse(input)
    } catch {
      // refused again
    }
    return performance.now() - start
  })
  return Math.min(...taken)
}

describe('mutated input', () => {
  const each = Math.ceil(INPUTS / PARSERS.length)

  it.each(PARSERS)('of $name is read or refused, never a crash, never slow', ({ name, seeds, parse }) => {
    expect(seeds.length).toBeGreaterThan(0)
    for (const seed of seeds) expect(() => parse(seed)).not.toThrow()
    const below = numbers(0x9e3779b9 ^ name.length)
    let slowest = 0
    let refused = 0
    for (let i = 0; i < each; i++) {
      const input = mutated(seeds[i % seeds.length] as Uint8Array, below)
      const start = performance.now()
      try {
        parse(input)
      } catch (error) {
        if (!(error instanceof KeyferryError)) throw error
        refused++
      }
      // One pause of the collector or of the machine is not the parser's: what is slow is slow again.
      if (performance.now() - start > SLOWEST_MILLISECONDS) slowest = Math.max(slowest, fastestOf(5, parse, input))
    }
    expect(refused).toBeGreaterThan(each / 2)
    expect(slowest).toBeLessThan(SLOWEST_MILLISECONDS)
  })
})
