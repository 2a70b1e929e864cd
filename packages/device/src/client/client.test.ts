import { contentDigest, requestBinding, signResponse, utf8 } from '@keyferry/protocol'
import { exampleSigner, NOW } from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Client, client } from './client.ts'
import { type HttpRequest, type HttpStream, UnreachableError } from './transport.ts'

/** A client before nobody, and what it sent. */
function lonely(): { readonly asked: ReturnType<typeof client>; readonly sent: HttpRequest[] } {
  const sent: HttpRequest[] = []
  const nobody = async (request: HttpRequest): Promise<never> => {
    sent.push(request)
    throw new UnreachableError('nobody listens there')
  }
  const asked = client({
    origin: 'https://keys.example',
    transport: { send: nobody, open: nobody, close() {} },
    signer: exampleSigner('marta'),
    serverKey: () => null,
    now: () => 1_795_521_600,
    random: (count) => new Uint8Array(count),
  })
  return { asked, sent }
}

it('gives an answer 60 s, and what the server was asked to hold it back', async () => {
  const { asked, sent } = lonely()
  await expect(asked.call({ method: 'GET', path: '/v1/x' })).rejects.toThrow(UnreachableError)
  await expect(asked.call({ method: 'GET', path: '/v1/x', waitSeconds: 30 })).rejects.toThrow(UnreachableError)
  expect(sent).toMatchObject([
    { timeoutMilliseconds: 30_000, deadlineMilliseconds: 60_000 },
    { timeoutMilliseconds: 60_000, deadlineMilliseconds: 90_000 },
  ])
})

it('gives a stream up after 45 s of silence', async () => {
  const { asked, sent } = lonely()
  await expect(asked.stream({ method: 'GET', path: '/v1/inbox/stream' })).rejects.toThrow(UnreachableError)
  expect(sent).toMatchObject([{ timeoutMilliseconds: 45_000 }])
})

const SERVER = exampleSigner('server')
const OCTETS = utf8('{"a":1}')

/** What differs from what an honest server answers. */
interface Spoilt {
  readonly signer?: typeof SERVER
  /** The answer is to this request. */
  readonly to?: string
  readonly at?: number
  readonly status?: number
  /** Is sent in place of what was signed. */
  readonly content?: Uint8Array
  readonly unsigned?: boolean
}

/** A client of a server that signs all its answers, and whose key it trusts. */
function answered({ signer = SERVER, to, at = NOW, status = 200, content = OCTETS, unsigned }: Spoilt = {}): Client {
  async function headersFor(
    { method, url, headers }: HttpRequest,
    own: Readonly<Record<string, string>>,
  ): Promise<HttpStream['header']> {
    const request = requestBinding({ method, targetUri: to ?? url, headers: (name) => headers[name] })
    const signature = await signResponse(signer, { status, headers: (name) => own[name], request }, at)
    const all: Record<string, string> = unsigned === true ? own : { ...own, ...signature }
    return (name) => all[name]
  }
  return client({
    origin: 'https://keys.example',
    transport: {
      async send(request) {
        const own = { 'content-type': 'application/json', 'content-digest': contentDigest(OCTETS) }
        return { status, header: await headersFor(request, own), content }
      },
      async open(request) {
        const header = await headersFor(request, { 'content-type': 'text/event-stream' })
        return { status, header, chunks: new ReadableStream<Uint8Array>() }
      },
      close() {},
    },
    signer: exampleSigner('marta'),
    serverKey: (kid) => (kid === SERVER.id ? SERVER.jwk : null),
    now: () => NOW,
    random: (count) => new Uint8Array(count),
  })
}

describe('an answer (S1, T1)', () => {
  const GET = { method: 'GET', path: '/v1/x' } as const

  it('is believed under a server key of the trust file', async () => {
    const answer = await answered().call(GET)
    expect(answer.json(z.object({ a: z.number() }))).toEqual({ a: 1 })
    expect(() => answer.json(z.array(z.number()))).toThrow(expect.objectContaining({ code: 'response-invalid' }))
    expect(await answered().stream(GET)).toBeDefined()
  })

  it.each<[string, Spoilt]>([
    ['is not signed', { unsigned: true }],
    ['is signed by a key that is not trusted', { signer: exampleSigner('other server') }],
    ['is signed by another key in the name of a trusted one', { signer: { ...exampleSigner('other'), id: SERVER.id } }],
    ['is bound to another request', { to: 'https://keys.example/v1/y' }],
    ['was signed long ago', { at: NOW - 301 }],
  ])('is not believed, nor is a stream, if it %s', async (_, spoilt) => {
    const refused = { code: 'response-invalid' }
    await expect(answered(spoilt).call(GET)).rejects.toMatchObject(refused)
    await expect(answered(spoilt).stream(GET)).rejects.toMatchObject(refused)
  })

  it('is not believed if its content is another', async () => {
    const content = utf8('{"a":2}')
    await expect(answered({ content }).call(GET)).rejects.toMatchObject({ code: 'response-invalid' })
  })

  it('is an error if it is a problem, and no stream', async () => {
    await expect(answered({ status: 503 }).call(GET)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(answered({ status: 503 }).stream(GET)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
