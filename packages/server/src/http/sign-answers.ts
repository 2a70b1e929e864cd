import { contentDigest, type RequestBinding, requestBinding, signResponse, utf8 } from '@keyferry/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../ports.ts'
import type { KeyRing } from '../signing/key-ring.ts'
import { header, isSignedAddress, requestParts } from './request.ts'

export interface AnswerSigning {
  readonly origin: string
  readonly clock: Clock
  readonly keys: Pick<KeyRing, 'signerAt'>
}

type Payload = string | Uint8Array | object | null | undefined

/**
 * Signs an answer when its headers are complete, refusals too (PROTOCOL 4). A stream is signed without a digest.
 * @returns what is to be sent.
 */
export async function signAnswer(
  signing: AnswerSigning,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: Payload,
): Promise<Payload> {
  const url = request.originalUrl
  if (!isSignedAddress(url)) return payload
  const octets = typeof payload === 'string' ? utf8(payload) : payload
  if (octets instanceof Uint8Array && octets.length > 0) reply.header('content-digest', contentDigest(octets))
  const now = signing.clock.now()
  const signature = await signResponse(
    signing.keys.signerAt(now),
    {
      status: reply.statusCode,
      headers: (name) => {
        const value = reply.getHeader(name)
        return value === undefined ? undefined : String(value)
      },
      request: bindingOf(signing.origin, request),
    },
    now,
  )
  reply.header('signature-input', signature['signature-input'])
  reply.header('signature', signature.signature)
  // A text goes out in one write with its head; these are the octets that were digested.
  return payload
}

/** What authentication has read already is not read again. */
function bindingOf(origin: string, request: FastifyRequest): RequestBinding {
  const { signed } = request
  if (signed === null) return requestBinding(requestParts(origin, request))
  const digest = header(request, 'content-digest')
  return {
    method: request.method,
    targetUri: origin + request.originalUrl,
    kfSignatureInput: signed.signatureInput,
    ...(digest === undefined ? {} : { contentDigest: digest }),
  }
}
