import {
  type EpochSeconds,
  KeyferryError,
  type PublicSigningJwk,
  parseStrictJson,
  requestBinding,
  SigningJwkShape,
  type Thumbprint,
  thumbprint,
  verifyResponse,
} from '@keyferry/protocol'
import { ANSWER_TIMES, type Transport } from '../client/transport.ts'

/** What a device takes from `/.well-known/keyferry` (PROTOCOL 17): hints, but for the keys, which enrolment pins. */
export interface ServerConfiguration {
  readonly origin: string
  readonly keys: ReadonlyMap<Thumbprint, PublicSigningJwk>
  /** vkey of the log. */
  readonly logKey: string
  /** The key that signed this very answer. */
  readonly signedBy: Thumbprint
}

/**
 * Fetches the configuration; its answer must be signed by one of the keys that it lists.
 * @param believes - which of them: at enrolment any, for only TLS vouches for it; later those that are pinned.
 * @throws {KeyferryError} `response-invalid`
 * @throws {UnreachableError}
 */
export async function fetchConfiguration(
  transport: Transport,
  origin: string,
  now: EpochSeconds,
  believes: (kid: Thumbprint) => boolean = () => true,
): Promise<ServerConfiguration> {
  const url = `${origin}/.well-known/keyferry`
  const response = await transport.send({
    method: 'GET',
    url,
    headers: {},
    content: null,
    ...ANSWER_TIMES,
  })
  const configuration = read(response.content)
  const { keyid } = await verifyResponse(
    { status: response.status, headers: (name) => response.header(name), content: response.content },
    requestBinding({ method: 'GET', targetUri: url, headers: () => undefined }),
    (kid) => (believes(kid) ? (configuration.keys.get(kid) ?? null) : null),
    now,
  )
  if (response.status !== 200 || configuration.origin !== origin) {
    throw new KeyferryError('response-invalid', 'this is the configuration of another server')
  }
  return { ...configuration, signedBy: keyid }
}

function read(content: Uint8Array): Omit<ServerConfiguration, 'signedBy'> {
  try {
    const { origin, keys, log } = parseStrictJson(content) as {
      origin: string
      keys: unknown[]
      log: { key: string }
    }
    const read = keys.map((key) => SigningJwkShape.parse(key))
    return { origin, logKey: log.key, keys: new Map(read.map((jwk) => [thumbprint(jwk), jwk])) }
  } catch (cause) {
    throw new KeyferryError('response-invalid', 'the server shows no configuration', {}, { cause })
  }
}
