import { randomBytes } from 'node:crypto'
import { contentDigest, type RequestBinding, requestBinding, type Signer, signRequest, utf8 } from '@keyferry/protocol'

export interface RequestFacts {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly content?: Uint8Array | string
  /** Default: application/json. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Set by a proxy in front, so that rates are counted by client; not signed. */
  readonly clientAddress?: string
}

export interface SignedHttpRequest {
  readonly octets: Buffer
  readonly binding: RequestBinding
}

/** A request as octets, with its real signature (PROTOCOL 4). */
export async function signedRequest(signer: Signer, origin: string, facts: RequestFacts): Promise<SignedHttpRequest> {
  const content = typeof facts.content === 'string' ? utf8(facts.content) : facts.content
  const headers: Record<string, string> = { ...facts.headers }
  if (content !== undefined) {
    headers['content-digest'] = contentDigest(content)
    headers['content-type'] = facts.type ?? 'application/json'
  }
  const parts = { method: facts.method, targetUri: origin + facts.path, headers }
  const signature = await signRequest(signer, parts, {
    now: Math.floor(Date.now() / 1000),
    nonce: randomBytes(16).toString('base64url'),
    lifetimeSeconds: 60,
  })
  Object.assign(headers, signature)
  const binding = requestBinding(parts)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  if (content !== undefined) lines.push(`content-length: ${content.length}\r\n`)
  if (facts.clientAddress !== undefined) lines.push(`x-forwarded-for: ${facts.clientAddress}\r\n`)
  const head = Buffer.from(`${facts.method} ${facts.path} HTTP/1.1\r\nhost: bench\r\n${lines.join('')}\r\n`, 'latin1')
  return { octets: content === undefined ? head : Buffer.concat([head, content]), binding }
}
