/** The server of floor.ts. Takes its set-up from the variable FLOOR, says over IPC when it listens, and ends with the channel. */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  asSigningJwk,
  checkContentDigest,
  contentDigest,
  type PublicSigningJwk,
  readRequestSignature,
  type Signer,
  signResponse,
  thumbprint,
  utf8,
  verifySignature,
} from '@keyferry/protocol'
import { ORIGIN } from '@keyferry/testkit'

export interface FloorSetup {
  readonly port: number
  readonly keys: readonly PublicSigningJwk[]
}

/** A request of a whole transfer. */
export interface Step {
  readonly name: string
  /** Octets of content of the request and of its answer, as Keyferry's are. */
  readonly asked: number
  readonly answered: number
  /** Signatures verified besides that of the request: order and envelope, receipt. */
  readonly statements: number
  /** Whether a signed notice follows. */
  readonly event: boolean
}

export const STEPS: readonly Step[] = [
  { name: 'request', asked: 204, answered: 1181, statements: 0, event: true },
  { name: 'transport-key-info', asked: 0, answered: 5148, statements: 0, event: false },
  { name: 'deposit', asked: 6468, answered: 77, statements: 2, event: true },
  { name: 'notice', asked: 0, answered: 242, statements: 0, event: false },
  { name: 'key-transfer-info', asked: 0, answered: 3536, statements: 0, event: false },
  { name: 'collection', asked: 2, answered: 6468, statements: 0, event: false },
  { name: 'receipt', asked: 842, answered: 83, statements: 1, event: true },
]

if (process.env.FLOOR !== undefined) serve(JSON.parse(process.env.FLOOR) as FloorSetup)

function serve({ port, keys }: FloorSetup): void {
  const known = new Map(keys.map((jwk) => [thumbprint(jwk), jwk]))
  const streams = new Map<string, ServerResponse>()
  const answers = new Map(STEPS.map((step) => [`/v1/${step.name}`, { step, text: 'y'.repeat(step.answered) }]))
  const signer = serverSigner()
  const statement = utf8('z'.repeat(900))
  const statementSignature = sign('sha256', statement, signer.key)

  async function answer(request: IncomingMessage, response: ServerResponse, content: Buffer): Promise<void> {
    const targetUri = ORIGIN + request.url
    const method = request.method ?? ''
    const headers = (name: string): string | undefined => request.headers[name] as string | undefined
    const facts = readRequestSignature({ method, targetUri, headers }, content.length > 0)
    checkContentDigest(headers('content-digest'), content)
    const jwk = known.get(facts.keyid)
    const key = jwk === undefined ? null : asSigningJwk(jwk)
    if (key === null || !(await verifySignature(key, facts.signature, facts.base))) throw new Error('who is this?')
    const stream = request.url === '/v1/inbox/stream'
    const { step, text = '' } = answers.get(request.url ?? '') ?? {}
    for (let i = 0; i < (step?.statements ?? 0); i++) verify('sha256', statement, signer.publicKey, statementSignature)
    response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json')
    if (!stream) response.setHeader('content-digest', contentDigest(utf8(text)))
    const digest = headers('content-digest')
    const binding = { method, targetUri, kfSignatureInput: facts.signatureInput }
    const signature = await signResponse(
      signer,
      {
        status: 200,
        headers: (name) => response.getHeader(name) as string | undefined,
        request: digest === undefined ? binding : { ...binding, contentDigest: digest },
      },
      Math.floor(Date.now() / 1000),
    )
    for (const [name, value] of Object.entries(signature)) response.setHeader(name, value)
    if (stream) {
      streams.set(facts.keyid, response)
      response.write(': \n\n')
      return
    }
    response.setHeader('content-length', text.length)
    response.end(text)
    if (step?.event !== true) return
    const notice = sign('sha256', statement, signer.key).toString('base64url')
    streams.get(facts.keyid)?.write(`id: 1\nevent: notice\ndata: ${notice}${'n'.repeat(600)}\n\n`)
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void answer(request, response, Buffer.concat(chunks)))
  })
  server.keepAliveTimeout = 120_000
  server.listen(port, '127.0.0.1', () => process.send?.('ready'))
  process.once('disconnect', () => process.exit())
}

interface ServerSigner extends Signer {
  readonly key: KeyObject
  readonly publicKey: KeyObject
}

function serverSigner(): ServerSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y } = publicKey.export({ format: 'jwk' })
  const jwk: PublicSigningJwk = { kty: 'EC', crv: 'P-256', alg: 'ES256', x: x as string, y: y as string }
  return {
    jwk,
    id: thumbprint(jwk),
    key: privateKey,
    publicKey,
    sign: async (octets) => new Uint8Array(sign('sha256', octets, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  }
}
