import { randomBytes } from 'node:crypto'
import {
  type DeliveryId,
  noticeStatement,
  type PublicSigningJwk,
  readEnvelope,
  readStatement,
  readTransportKeyInfo,
  type Thumbprint,
  toBase64url,
  verifyResponse,
} from '@keyferry/protocol'
import { anEnvelopeFor, aReceipt, ORIGIN, type TestDevice } from '@keyferry/testkit'
import { type Connection, type HttpAnswer, openConnection, openEvents } from './connection.ts'
import { anIdempotencyKey, type Pair } from './pair.ts'
import { type RequestFacts, signedRequest } from './signed-request.ts'

/** The two devices of a pair at work: one connection for their requests, a stream each for their notices. */
export interface Ferry {
  /** E1 to E10 of one key, each signature real; milliseconds. */
  transfer(): Promise<number>
  close(): void
}

export interface FerryOptions {
  readonly pair: Pair
  readonly port: number
  readonly serverKeys: ReadonlyMap<Thumbprint, PublicSigningJwk>
  /** Octets of the key that moves; its envelope is some 3 KiB more. */
  readonly keyOctets: number
}

/** A device has many answers to check and is never alone on its core; here one core plays 128 devices. */
const VERIFIED_ONE_IN = 8
/** Outcomes that a source acknowledges at once, as an agent does that has more to do. */
const ACKNOWLEDGED_AT_ONCE = 16
const JOSE = 'application/jose'

export async function openFerry({ pair, port, serverKeys, keyOctets }: FerryOptions): Promise<Ferry> {
  const { source, target, key, clientAddress } = pair
  const connection: Connection = await openConnection(port)
  const toSource = inbox()
  const toTarget = inbox()
  const streams = await Promise.all([listen(source, toSource.put), listen(target, toTarget.put)])
  let count = 0

  async function listen(device: TestDevice, put: (jws: string) => void): Promise<{ close(): void }> {
    const { octets } = await signedRequest(device.signer, ORIGIN, { method: 'GET', path: '/v1/inbox/stream' })
    return openEvents(port, octets, put)
  }

  async function send(by: TestDevice, status: number, facts: RequestFacts): Promise<HttpAnswer> {
    const { octets, binding } = await signedRequest(by.signer, ORIGIN, { ...facts, clientAddress })
    const answer = await connection.roundTrip(octets)
    if (answer.status !== status) {
      throw new Error(`${facts.method} ${facts.path}: ${answer.status} instead of ${status}: ${answer.content}`)
    }
    if (count++ % VERIFIED_ONE_IN === 0) {
      const response = { status: answer.status, headers: headersOf(answer.head), content: answer.content }
      await verifyResponse(response, binding, (kid) => serverKeys.get(kid) ?? null, nowSeconds())
    }
    return answer
  }

  /** The call-back of a notice (PROTOCOL 12). */
  async function calledBack(by: TestDevice, jws: string): Promise<{ type: string; delivery: DeliveryId }> {
    const { id } = readStatement(noticeStatement, jws).payload
    const answer = await send(by, 200, { method: 'GET', path: `/v1/notices/${id}` })
    return JSON.parse(answer.content.toString()) as { type: string; delivery: DeliveryId }
  }

  const outcomes: string[] = []
  async function acknowledgeOutcomes(): Promise<void> {
    if (outcomes.length < ACKNOWLEDGED_AT_ONCE) return
    const content = JSON.stringify({ max: 1, ack: outcomes.splice(0) })
    await send(source, 200, { method: 'POST', path: '/v1/inbox/poll', content })
  }

  return {
    async transfer() {
      const began = performance.now()
      const asked = await send(source, 201, {
        method: 'POST',
        path: '/v1/transfers',
        content: JSON.stringify({
          key,
          generation: 1,
          targets: [{ device: target.id }],
          deadline: nowSeconds() + 3600,
          redelivery: true,
        }),
        headers: { 'idempotency-key': anIdempotencyKey() },
      })
      const { deliveries } = JSON.parse(asked.content.toString()) as { deliveries: { dl: DeliveryId }[] }
      const dl = deliveries[0]?.dl as DeliveryId
      // Whoever asked for it himself knows which delivery it is: no call-back.
      await toSource.take()
      const path = `/v1/deliveries/${dl}`
      const info = await send(source, 200, { method: 'GET', path: `${path}/transport-key-info?since=0` })
      const { octets, order } = await anEnvelopeFor(pair, readTransportKeyInfo(info.content), {
        at: nowSeconds(),
        keyOctets: randomBytes(keyOctets),
        kti: { nonce: toBase64url(randomBytes(16)) },
      })
      await send(source, 201, {
        method: 'PUT',
        path: `${path}/envelopes/1`,
        content: octets,
        type: 'application/jose+json',
      })

      const told = await calledBack(target, await toTarget.take())
      if (told.delivery !== dl) throw new Error(`${told.type} of another delivery`)
      await send(target, 200, { method: 'GET', path: `${path}/key-transfer-info?since=0` })
      const collected = await send(target, 200, { method: 'POST', path: `${path}/collections`, content: '{}' })
      if (!collected.content.equals(octets)) throw new Error('the envelope came otherwise than it went')
      const envelope = readEnvelope(collected.content)
      const { tr, attempt, checkpoint } = envelope.kti
      const facts = {
        tr,
        dl,
        attempt,
        order: order.ref,
        envelope: envelope.ref,
        key: { id: key, generation: 1 },
        checkpoint,
      }
      const receipt = await aReceipt(target, facts, nowSeconds())
      const put = { method: 'PUT', path: `${path}/receipts/1`, content: receipt.text, type: JOSE } as const
      const { state } = JSON.parse((await send(target, 201, put)).content.toString()) as { state: string }
      if (state !== 'completed') throw new Error(`the delivery is ${state}`)
      const milliseconds = performance.now() - began

      // The source hears of the outcome by its stream.
      outcomes.push(readStatement(noticeStatement, await toSource.take()).payload.id)
      await acknowledgeOutcomes()
      return milliseconds
    },
    close() {
      connection.close()
      for (const stream of streams) stream.close()
    },
  }
}

interface Inbox {
  put(jws: string): void
  /** The oldest notice, as soon as there is one. */
  take(): Promise<string>
}

function inbox(): Inbox {
  const notices: string[] = []
  let waiting: ((jws: string) => void) | null = null
  return {
    put(jws) {
      if (waiting === null) notices.push(jws)
      else waiting(jws)
      waiting = null
    },
    take() {
      const first = notices.shift()
      if (first !== undefined) return Promise.resolve(first)
      return new Promise((resolve) => {
        waiting = resolve
      })
    },
  }
}

function headersOf(head: string): Record<string, string> {
  const fields = head.split('\r\n').slice(1)
  return Object.fromEntries(
    fields.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
