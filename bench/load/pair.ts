import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { type KeyId, makeId } from '@keyferry/protocol'
import {
  A_MAC,
  aDevice,
  aDeviceSet,
  aKeyId,
  aPairingAnswer,
  aPairingProof,
  aUser,
  ORIGIN,
  type TestDevice,
} from '@keyferry/testkit'
import { type Connection, openConnection } from './connection.ts'
import { type RequestFacts, signedRequest } from './signed-request.ts'

/** Two devices of one user and a key that the source holds. */
export interface Pair {
  readonly source: TestDevice
  readonly target: TestDevice
  readonly key: KeyId
  /** Sent by whoever asks, so that the server counts pairs apart. */
  readonly clientAddress: string
}

/** Enrols user number `n` with two devices and a key, as devices do (PROTOCOL 3), the invitation through the administration socket. */
export async function enrolPair(port: number, adminSocket: string, n: number): Promise<Pair> {
  const now = Math.floor(Date.now() / 1000)
  const user = aUser(`user${n}`)
  const source = await aDevice(user, { name: 'source', at: now })
  const target = await aDevice(user, { name: 'target', at: now })
  const key = aKeyId(user)
  const clientAddress = `10.0.${n >> 8}.${n & 255}`
  const connection = await openConnection(port)
  const send = (by: TestDevice, facts: RequestFacts): Promise<never> =>
    sendJson(connection, by, { ...facts, clientAddress })

  const { code } = await invite(adminSocket, user.username)
  const set = await aDeviceSet(user, [source], { at: now })
  const claim = (body: object): RequestFacts => post('/v1/enrolments/claim', body)
  await send(source, claim({ code, statement: source.statement.text, set: set.text }))

  const offer: { id: string; code: string } = await send(source, post('/v1/enrolments', {}))
  await send(target, claim({ code: offer.code, statement: target.statement.text, mac: A_MAC }))
  const path = `/v1/enrolments/${offer.id}`
  await send(source, {
    method: 'PUT',
    path: `${path}/answer`,
    content: JSON.stringify(aPairingAnswer(offer.id, target, set)),
  })
  await send(target, { method: 'PUT', path: `${path}/proof`, content: JSON.stringify(aPairingProof(target)) })
  const both = await aDeviceSet(user, [source, target], { after: set, at: now })
  const type = 'application/jose'
  await send(source, { method: 'PUT', path: `/v1/statements/${both.ref}`, content: both.text, type })
  await send(source, {
    method: 'PUT',
    path: `/v1/keys/${key}`,
    content: JSON.stringify({ class: 'shared', type: 'aes', generation: 1, sources: [source.id] }),
    headers: { 'if-none-match': '*' },
  })
  for (const device of [source, target]) {
    // What pairing told them is read now, so that later notices are about transfers.
    const { notices }: { notices: object } = await send(device, post('/v1/inbox/poll', {}))
    await send(device, post('/v1/inbox/poll', { ack: Object.keys(notices) }))
  }
  connection.close()
  return { source, target, key, clientAddress }
}

function post(path: string, body: object): RequestFacts {
  return { method: 'POST', path, content: JSON.stringify(body) }
}

async function sendJson(connection: Connection, by: TestDevice, facts: RequestFacts): Promise<never> {
  const { octets } = await signedRequest(by.signer, ORIGIN, facts)
  const { status, content } = await connection.roundTrip(octets)
  if (status >= 300) throw new Error(`${facts.method} ${facts.path}: ${status} ${content}`)
  return JSON.parse(content.toString()) as never
}

function invite(socketPath: string, username: string): Promise<{ code: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const options = { socketPath, method: 'POST', path: '/v1/enrolments', headers, agent: false }
    const sent = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode === 201) resolve(JSON.parse(text) as { code: string })
        else reject(new Error(`no invitation: ${response.statusCode} ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ username }))
  })
}

/** An idempotency key as devices make it: a quoted string. */
export function anIdempotencyKey(): string {
  return `"${makeId('tr', randomBytes(16))}"`
}
