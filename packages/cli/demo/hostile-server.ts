import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import {
  contentDigest,
  type PublicSigningJwk,
  requestBinding,
  type Signer,
  SigningJwkShape,
  signResponse,
  thumbprint,
} from '@keyferry/protocol'

/** What the hostile server did and saw. */
export interface Deeds {
  /** Answers in which it named its own transport key. */
  swapped: number
  /** Wrapped keys that came to it. */
  envelopes: number
}

export interface HostileServer {
  readonly deeds: Readonly<Deeds>
  close(): Promise<void>
}

export interface HostileOptions {
  readonly origin: string
  readonly port: number
  /** Folder of the honest server: it stole its TLS key and the key that signs answers. */
  readonly dataFolder: string
  /** Where the honest server really is, in plain HTTP. */
  readonly honestPort: number
}

/**
 * A server that has everything the honest one has, and lies about one thing: it names a transport key of its own as that of the target,
 * so that the key would be wrapped for it. Its answers are signed as they should be. All else it hands on.
 */
export async function startHostileServer(options: HostileOptions): Promise<HostileServer> {
  const signer = stolenSigner(join(options.dataFolder, 'keys'))
  const deeds: Deeds = { swapped: 0, envelopes: 0 }
  const pem = readFileSync(join(options.dataFolder, 'tls', 'server.pem'))
  const server = createServer({ cert: pem, key: pem }, (incoming, outgoing) => {
    void (async () => {
      const content = await readAll(incoming)
      const path = incoming.url ?? '/'
      if (/\/envelopes\/\d+$/.test(path)) deeds.envelopes++
      const answer = await askHonest(options.honestPort, incoming, content)
      if (!/\/transport-key-info(\?|$)/.test(path) || answer.status !== 200) {
        outgoing.writeHead(answer.status, answer.headers).end(answer.content)
        return
      }
      deeds.swapped++
      const lie = nameOwnKey(answer.content)
      const headers = { ...answer.headers, 'content-length': String(lie.length), 'content-digest': contentDigest(lie) }
      const binding = requestBinding({
        method: incoming.method ?? 'GET',
        targetUri: options.origin + path,
        headers: (name) => one(incoming.headers[name]),
      })
      const signature = await signResponse(
        signer,
        { status: answer.status, headers: (name) => one((headers as Headers)[name]), request: binding },
        Math.floor(Date.now() / 1000),
      )
      outgoing.writeHead(answer.status, { ...headers, ...signature }).end(lie)
    })().catch(() => outgoing.destroy())
  })
  await listen(server, options.port)
  return {
    deeds,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

/** The same answer, but each option names a key that this server holds. */
function nameOwnKey(content: Buffer): Buffer {
  const kti = JSON.parse(content.toString('utf8')) as { options: { alg: string; kid: string }[] }
  const mine = thumbprint(
    publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })),
  )
  return Buffer.from(JSON.stringify({ ...kti, options: kti.options.map((option) => ({ ...option, kid: mine })) }))
}

function stolenSigner(folder: string): Signer {
  const name = readdirSync(folder).find((file) => /^server-\d+\.p8$/.test(file))
  if (name === undefined) throw new Error('the server has no key file')
  const key = createPrivateKey({ key: readFileSync(join(folder, name)), format: 'der', type: 'pkcs8' })
  const jwk = publicJwk(createPublicKey(key).export({ format: 'jwk' }))
  return {
    jwk,
    id: thumbprint(jwk),
    sign: async (octets) => new Uint8Array(sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' })),
  }
}

function publicJwk({
  kty,
  crv,
  x,
  y,
}: Readonly<{ kty?: string; crv?: string; x?: string; y?: string }>): PublicSigningJwk {
  return SigningJwkShape.parse({ kty, crv, alg: 'ES256', x, y })
}

interface HonestAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  readonly content: Buffer
}

function askHonest(port: number, incoming: IncomingMessage, content: Buffer): Promise<HonestAnswer> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = incoming
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      readAll(answer).then((octets) => {
        const { connection, 'keep-alive': _keep, 'transfer-encoding': _chunks, ...kept } = answer.headers
        resolve({ status: answer.statusCode ?? 502, headers: kept as Record<string, string>, content: octets })
      }, reject)
    })
    outgoing.on('error', reject)
    outgoing.end(content)
  })
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}
