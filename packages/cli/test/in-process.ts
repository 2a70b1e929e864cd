import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Agent,
  type AgentEvent,
  addDevice,
  agent,
  type HttpRequest,
  type HttpResponse,
  type InstallRule,
  joinAsDevice,
  makeFirstDevice,
  makeMasterKey,
  makeSoftwareDevice,
  type OpenDevice,
  openDevice,
  openDeviceStore,
  systemRandom,
  systemTime,
  type Transport,
  UnreachableError,
} from '@keyferry/device'
import { makePairingString } from '@keyferry/protocol'
import { operatorAddress, type RunningServer, readServeConfig, startServer } from '@keyferry/server'

/** A whole deployment in one process: a server on 127.0.0.1 and devices in temporary folders, which reach it while `online`. */
export interface Deployment {
  readonly server: RunningServer
  readonly folder: string
  /** First device of somebody. */
  enrol(username: string): Promise<TestDevice>
  /** Pairs a further device with one that holds the root. */
  pair(first: TestDevice, confirm?: boolean): Promise<TestDevice>
  /** Ends the server and starts it again on the same data, perhaps with other settings. */
  restart(settings?: Readonly<Record<string, unknown>>, between?: (dataFolder: string) => unknown): Promise<void>
  close(): Promise<void>
}

export interface TestDevice {
  readonly open: OpenDevice
  readonly events: AgentEvent[]
  online: boolean
  /** True: what was asked is done, and its answer is lost. */
  lose: (request: HttpRequest) => boolean
  /** By how many seconds the agent's clock is wrong. */
  aheadSeconds: number
  /** Where a key goes that came. */
  place: InstallRule['place']
  /** One pass of the agent. */
  pass(): Promise<void>
  /** The agent's process died: another one goes on with what is written down. */
  startAgain(): void
}

const ORIGIN = 'https://keys.example'

export async function aDeployment(settings: Readonly<Record<string, unknown>> = {}): Promise<Deployment> {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
  const fixed = { dataFolder: join(folder, 'server'), origin: ORIGIN, behindProxy: true, logLevel: 'error' }
  const start = (given: Readonly<Record<string, unknown>>): Promise<RunningServer> =>
    startServer({ ...readServeConfig({ ...given, ...fixed }), listenHost: '127.0.0.1', listenPort: 0 })
  const running = { server: await start(settings) }
  const devices: OpenDevice[] = []
  return {
    get server() {
      return running.server
    },
    folder,
    async enrol(username) {
      const code = await invite(running.server, username)
      const place = join(folder, `${username} ${devices.length}`)
      const state: Reach = { online: true, lose: () => false }
      const transport = toServer(() => running.server.port, state)
      const master = await makeMasterKey(place, null)
      const store = openDeviceStore(place)
      const device = makeSoftwareDevice(store, master)
      await makeFirstDevice(
        { store, device, transport, now: systemTime, random: systemRandom },
        makePairingString({ origin: ORIGIN, username, log: running.server.logKey, code }),
        'laptop',
      )
      store.close()
      const open = await openDevice(place, { askPassphrase: async () => null, transport })
      devices.push(open)
      return testDevice(open, state)
    },
    async pair(first, confirm = true) {
      const place = join(folder, `device ${devices.length}`)
      const state: Reach = { online: true, lose: () => false }
      const transport = toServer(() => running.server.port, state)
      const store = openDeviceStore(place)
      const device = makeSoftwareDevice(store, await makeMasterKey(place, null))
      let joining: Promise<unknown> = Promise.resolve()
      const shown: string[] = []
      const added = addDevice(first.open, {
        show(text) {
          const parts = { store, device, transport, now: systemTime, random: systemRandom }
          joining = joinAsDevice(parts, text, { label: 'phone', show: (id) => shown.push(id) })
          joining.catch(() => {})
        },
        confirm: async (facts) => confirm && shown.includes(facts.device),
      })
      await Promise.all([added, added.then(() => joining)])
      store.close()
      const open = await openDevice(place, { askPassphrase: async () => null, transport })
      devices.push(open)
      return testDevice(open, state)
    },
    async restart(given = settings, between = () => {}) {
      await running.server.close()
      await between(fixed.dataFolder)
      running.server = await start(given)
    },
    async close() {
      for (const open of devices) open.close()
      await running.server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How a device reaches the server now. */
interface Reach {
  online: boolean
  lose: (request: HttpRequest) => boolean
}

function testDevice(open: OpenDevice, state: Reach): TestDevice {
  const events: AgentEvent[] = []
  const { store, device, client, now, random } = open
  const start = (): Agent =>
    agent({
      store,
      device,
      client,
      now: () => now() + testing.aheadSeconds,
      random,
      report: (event) => events.push(event),
      install: { place: (key, record) => testing.place(key, record) },
    })
  const testing: TestDevice = {
    open,
    events,
    get online() {
      return state.online
    },
    set online(online) {
      state.online = online
    },
    get lose() {
      return state.lose
    },
    set lose(lose) {
      state.lose = lose
    },
    aheadSeconds: 0,
    place: async () => null,
    pass: () => running.once(),
    startAgain() {
      running = start()
    },
  }
  let running = start()
  return testing
}

/** Requests for the origin go to the port of the test; TLS is the proxy's. */
export function toServer(
  port: () => number,
  state: { readonly online: boolean; readonly lose?: (request: HttpRequest) => boolean },
): Transport {
  async function send(sent: HttpRequest): Promise<HttpResponse> {
    if (!state.online) throw new UnreachableError('offline')
    const answer = await exchange(sent)
    if (state.lose?.(sent) === true) throw new UnreachableError('the answer is lost')
    return answer
  }
  function exchange({ method, url, headers, content }: HttpRequest): Promise<HttpResponse> {
    const { pathname, search } = new URL(url)
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: port(),
          path: pathname + search,
          method,
          headers: { ...headers, ...(content === null ? {} : { 'content-length': content.length }) },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              header: (name) => incoming.headers[name] as string | undefined,
              content: Buffer.concat(chunks),
            }),
          )
        },
      )
      outgoing.on('error', (cause) => reject(new UnreachableError('no answer', { cause })))
      outgoing.end(content ?? undefined)
    })
  }
  return {
    send,
    open: async () => {
      throw new UnreachableError('no streams in this test')
    },
    close() {},
  }
}

/** Asks the operator's socket for a code, as `keyferry user invite` does. */
export async function invite(server: RunningServer, username: string): Promise<string> {
  const content = Buffer.from(JSON.stringify({ username }))
  const { createHash } = await import('node:crypto')
  const digest = createHash('sha256').update(content).digest('base64')
  const answer = await new Promise<{ code: string }>((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: operatorAddress(server.adminSocket),
        path: '/v1/enrolments',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': content.length,
          'content-digest': `sha-256=:${digest}:`,
        },
      },
      (incoming) => {
        let text = ''
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('end', () => (incoming.statusCode === 201 ? resolve(JSON.parse(text)) : reject(new Error(text))))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(content)
  })
  return answer.code
}
