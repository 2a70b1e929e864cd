/**
 * What the protocol alone costs a server: the requests, answers, events and signatures of whole transfers, and nothing else (see README.md
 * here). No check of what is in them, no policy, no database, no framework: `node:http`, and the signatures of PROTOCOL 4, 8 and 12.
 *
 *     npm run bench:floor
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Signer } from '@keyferry/protocol'
import { exampleSigner, ORIGIN } from '@keyferry/testkit'
import { type FloorSetup, STEPS, type Step } from './floor-server.ts'
import { type Connection, openConnection, openEvents } from './load/connection.ts'
import { signedRequest } from './load/signed-request.ts'
import { endProcess, figuresOf, freePort, startOnCore } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    concurrency: { type: 'string', default: '64' },
    transfers: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
  },
})
const concurrency = Number(options.concurrency)
const transfers = Number(options.transfers)

interface Client {
  readonly signer: Signer
  readonly connection: Connection
  /** Resolves with the next event. */
  heard(): Promise<unknown>
  close(): void
}

async function openClient(port: number, signer: Signer): Promise<Client> {
  let hear: (() => void) | null = null
  let waiting = 0
  const { octets } = await signedRequest(signer, ORIGIN, { method: 'GET', path: '/v1/inbox/stream' })
  const events = await openEvents(port, octets, () => {
    if (hear === null) waiting++
    else hear()
    hear = null
  })
  const connection = await openConnection(port)
  return {
    signer,
    connection,
    heard: () =>
      new Promise<void>((resolve) => {
        if (waiting === 0) hear = resolve
        else resolve(void waiting--)
      }),
    close() {
      events.close()
      connection.close()
    },
  }
}

async function requestsOf(signer: Signer): Promise<readonly (readonly [Step, Buffer])[]> {
  return Promise.all(
    STEPS.map(async (step) => {
      const path = `/v1/${step.name}`
      const content = step.asked === 0 ? {} : { content: 'x'.repeat(step.asked) }
      const { octets } = await signedRequest(signer, ORIGIN, {
        method: step.asked === 0 ? 'GET' : 'POST',
        path,
        ...content,
      })
      return [step, octets] as const
    }),
  )
}

async function round(clients: readonly Client[], count: number): Promise<void> {
  await Promise.all(
    clients.map(async ({ signer, connection, heard }, n) => {
      for (let i = n; i < count; i += clients.length) {
        for (const [step, request] of await requestsOf(signer)) {
          const { status, content } = await connection.roundTrip(request)
          if (status !== 200 || content.length !== step.answered) throw new Error(`${step.name}: ${status}`)
          if (step.event) await heard()
        }
      }
    }),
  )
}

const signers = Array.from({ length: concurrency }, (_, n) => exampleSigner(`floor ${n}`))
const setup: FloorSetup = { port: await freePort(), keys: signers.map(({ jwk }) => jwk) }
const program = fileURLToPath(new URL('./floor-server.ts', import.meta.url))
const server = await startOnCore<'ready'>('0', [program], { ...process.env, FLOOR: JSON.stringify(setup) })
const clients = await Promise.all(signers.map((signer) => openClient(setup.port, signer)))
await round(clients, Math.max(concurrency * 4, 300)) // warm
const each: number[] = []
for (let i = 0; i < Number(options.rounds); i++) {
  const before = figuresOf(server.pid).cpuSeconds
  await round(clients, transfers)
  each.push(Math.round(((figuresOf(server.pid).cpuSeconds - before) * 1e6) / transfers))
}
const median = each.toSorted((a, b) => a - b)[each.length >> 1]
console.log(
  `${median} us CPU for the messages and signatures of a transfer, without a database (rounds: ${each.join(', ')})`,
)
for (const client of clients) client.close()
await endProcess(server.child)
