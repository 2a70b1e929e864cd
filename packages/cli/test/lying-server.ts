import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HttpRequest, type HttpResponse, type Transport, UnreachableError } from '@keyferry/device'
import {
  contentDigest,
  requestBinding,
  type Signer,
  SigningJwkShape,
  signResponse,
  thumbprint,
} from '@keyferry/protocol'

/** What becomes of one exchange: an answer's JSON as it shall arrive, or `lost` = it was done, and no answer came. */
export interface Lies {
  /** Before it is sent: true = it never arrives. */
  drop?: (request: HttpRequest) => boolean
  /** After it was done: true = the answer is lost. */
  lose?: (request: HttpRequest) => boolean
  /** Another JSON in place of the true one, signed as it should be. */
  change?: (request: HttpRequest, json: Readonly<Record<string, unknown>>) => unknown
  /** With another key than the server's own. */
  signer?: Signer
}

/** The server as somebody shows it who holds its keys: all that a device must not rely on. */
export function lyingServer(honest: Transport, signer: Signer, lies: Lies): Transport {
  return {
    async send(request) {
      if (lies.drop?.(request) === true) throw new UnreachableError('dropped')
      const answer = await honest.send(request)
      if (lies.lose?.(request) === true) throw new UnreachableError('lost')
      const { change } = lies
      if (change === undefined || answer.content.length === 0 || !isJson(answer)) return answer
      const json = JSON.parse(Buffer.from(answer.content).toString('utf8')) as Record<string, unknown>
      const changed = change(request, json)
      return changed === undefined ? answer : signed(request, answer, changed, lies.signer ?? signer)
    },
    open: (request) => honest.open(request),
    close: () => honest.close(),
  }
}

function isJson(answer: HttpResponse): boolean {
  return answer.header('content-type')?.startsWith('application/json') === true
}

async function signed(
  request: HttpRequest,
  answer: HttpResponse,
  json: unknown,
  signer: Signer,
): Promise<HttpResponse> {
  const content = Buffer.from(JSON.stringify(json))
  const digest = contentDigest(content)
  const header = (name: string): string | undefined => (name === 'content-digest' ? digest : answer.header(name))
  const binding = requestBinding({
    method: request.method,
    targetUri: request.url,
    headers: (name) => request.headers[name],
  })
  const now = Math.floor(Date.now() / 1000)
  const signature = await signResponse(signer, { status: answer.status, headers: header, request: binding }, now)
  return {
    status: answer.status,
    content,
    header: (name) => signature[name as keyof typeof signature] ?? header(name),
  }
}

/** The key that the server of this data folder signs answers with. */
export function stolenServerKey(dataFolder: string): Signer {
  const folder = join(dataFolder, 'keys')
  const name = readdirSync(folder).find((file) => /^server-\d+\.p8$/.test(file))
  if (name === undefined) throw new Error('the server has no key file')
  const key = createPrivateKey({ key: readFileSync(join(folder, name)), format: 'der', type: 'pkcs8' })
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const jwk = SigningJwkShape.parse({ kty, crv, alg: 'ES256', x, y })
  return {
    jwk,
    id: thumbprint(jwk),
    sign: async (octets) => new Uint8Array(sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' })),
  }
}
