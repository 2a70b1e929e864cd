import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Device, keyferry, type Ran } from '../../demo/child.ts'
import { freePort, makePlaces } from '../../demo/places.ts'
import { firstDevice, secondDevice } from '../../demo/set-up.ts'
import { compareKeys, makeSshKey } from '../../demo/ssh.ts'
import { type Lasting, lasting, type Told, until } from './processes.ts'
import { type Moment, type Passing, watchedProxy } from './watched-proxy.ts'

export type Who = 'laptop' | 'phone'

/** One SIGKILL: who dies, and at which moment of which request of which device. */
export interface Kill {
  readonly victim: 'server' | 'device'
  readonly moment: Moment
  readonly device: Who
  readonly request: string
  /** The first, second … request of this name in this transfer. */
  readonly nth: number
}

/** What was seen of one transfer. */
export interface Ferried {
  /** `laptop PUT /v1/deliveries/{dl}/envelopes/1`, in the order in which they came. */
  readonly requests: readonly string[]
  readonly laptop: readonly Told[]
  readonly phone: readonly Told[]
  readonly key: string
  /** Ids of all deliveries of this key. */
  readonly deliveries: readonly DeliveryAtServer[]
  readonly sameKey: boolean
  readonly filesAtPhone: number
}

/** What the server has written down of a delivery, read beside it. */
export interface DeliveryAtServer {
  readonly dl: string
  readonly state: string
  readonly attempt: number
  readonly wrappedOctets: number
  readonly receipts: number
  readonly receiptLeaves: number
}

/**
 * A server, marta's laptop and her phone: each a process of its own, started by the `keyferry` command, with a proxy before the server
 * that sees each request.
 */
export interface KillWorld {
  /** The laptop sends a key to the phone, somebody is killed meanwhile or nobody, and everything is waited for. */
  ferry(label: string, sender: 'send' | 'agent', kill: Kill | null): Promise<Ferried>
  run(device: Who, ...words: string[]): Promise<Ran>
  close(): Promise<void>
}

/** E1 is done and its answer lost: what is left is for the agent, which asks again. */
const SEND_DIES: Kill = { victim: 'device', moment: 'done', device: 'laptop', request: 'POST /v1/transfers', nth: 1 }
const PORT_TRIES = 20
const OVER: ReadonlySet<string> = new Set(['completed', 'refused', 'failed', 'cancelled', 'expired', 'withdrawn'])
const DEPOSITED: ReadonlySet<string> = new Set(['deposited', 'released', 'collected', ...OVER])

export async function aKillWorld(): Promise<KillWorld> {
  const places = makePlaces()
  const { home } = places
  const port = await freePort()
  const serverPort = await freePort()
  const served = ['serve', '--data', places.server, '--log-level', 'warn']
  await makeCertificate(home, [...served, '--port', String(port)])
  const origin = ['--origin', `https://localhost:${port}`, '--port', String(serverPort), '--behind-proxy']
  const server = lasting(home, [...served, ...origin])
  const current = { trap: null as Trap | null }
  const proxy = await watchedProxy(
    { tlsFolder: join(places.server, 'tls'), port, serverPort },
    async (moment, passing) => (await current.trap?.(moment, passing)) ?? 'on',
  )
  await startServer(server)
  await firstDevice(places, 'marta', places.laptop)
  await secondDevice(places, places.laptop, places.phone)
  const run = (device: Who, ...words: string[]): Promise<Ran> => keyferry(home, places[device], words)
  const ids = await deviceIds(await run('laptop', 'device', 'list'))

  async function ferry(label: string, sender: 'send' | 'agent', kill: Kill | null): Promise<Ferried> {
    const keyFile = join(places.laptop.folder, '..', `${label}.key`)
    const arrivals = join(places.phone.folder, '..', label)
    makeSshKey(keyFile)
    const added = await run('laptop', 'key', 'add', keyFile, '--label', label)
    if (added.exit !== 0) throw new Error(`key add ended with ${added.exit}: ${added.stderr}`)
    const key = String(added.objects[0]?.id)
    const sending = lasting(home, profile(places.laptop, 'send', label, '--to', places.phone.name, '--no-wait'))
    const laptop = lasting(home, profile(places.laptop, 'agent'))
    const phone = lasting(home, profile(places.phone, 'agent', '--save-to', arrivals))
    const active: Record<Who, Lasting> = { laptop: sending, phone }
    const requests: string[] = []
    const deliveries = (): readonly DeliveryAtServer[] => deliveriesOf(places.server, key)
    const all = (states: ReadonlySet<string>): boolean =>
      deliveries().length > 0 && deliveries().every(({ state }) => states.has(state))
    const more = (): string =>
      [
        ...failures,
        JSON.stringify(deliveries()),
        server.stderr,
        sending.stderr,
        laptop.stderr,
        phone.stderr,
        ...requests,
      ].join('\n')

    const traps = [...(sender === 'agent' ? [SEND_DIES] : []), ...(kill === null ? [] : [kill])]
    const sprung: Kill[] = []
    /** Whoever was killed is back. */
    const over: Kill[] = []
    const failures: string[] = []
    const counts = new Map<string, number>()
    current.trap = async (moment, { keyid, name }) => {
      const device = ids.get(keyid)
      if (device === undefined) return 'on'
      const request = `${device} ${name}`
      if (moment === 'arrived') {
        requests.push(request)
        counts.set(request, (counts.get(request) ?? 0) + 1)
      }
      const due = traps.find(
        (trap) =>
          !sprung.includes(trap) &&
          `${trap.device} ${trap.request}` === request &&
          trap.moment === moment &&
          counts.get(request) === trap.nth,
      )
      if (due === undefined) return 'on'
      sprung.push(due)
      if (due.victim === 'server') {
        await server.kill()
        await startServer(server).catch((error: unknown) => failures.push(String(error)))
      } else {
        const victim = active[device]
        await victim.kill()
        if (victim !== sending) victim.start()
      }
      over.push(due)
      return 'cut'
    }
    const isAtRest = (agent: Lasting): boolean => agent.toldSinceStart.some(({ kind }) => kind === 'connected')
    const hasSprung = (device: Who): boolean => kill === null || kill.device !== device || over.includes(kill)

    try {
      sending.start()
      await sending.gone()
      active.laptop = laptop
      const isDeposited = all(DEPOSITED)
      if (!isDeposited) {
        laptop.start()
        await until('deposited, and laptop at rest', () => all(DEPOSITED) && isAtRest(laptop), more)
      }
      phone.start()
      await until(
        'completed, phone at rest, its request seen',
        () => all(OVER) && isAtRest(phone) && hasSprung('phone'),
        more,
      )
      if (isDeposited) laptop.start()
      const hasFinished = (): boolean => laptop.told.some(({ kind }) => kind === 'finished')
      await until(
        'the end known to laptop, laptop at rest, its request seen',
        () => hasFinished() && isAtRest(laptop) && hasSprung('laptop'),
        more,
      )
    } finally {
      current.trap = null
      await Promise.all([sending.stop(), laptop.stop(), phone.stop()])
    }

    const files = existsSync(arrivals) ? readdirSync(arrivals) : []
    return {
      requests,
      laptop: [...sending.told, ...laptop.told],
      phone: phone.told,
      key,
      deliveries: deliveries(),
      sameKey: files[0] !== undefined && compareKeys(keyFile, join(arrivals, files[0])).equal,
      filesAtPhone: files.length,
    }
  }

  return {
    ferry,
    run,
    async close() {
      await server.stop()
      await proxy.close()
      places.remove()
    },
  }
}

type Trap = (moment: Moment, passing: Passing) => Promise<'on' | 'cut'>

function profile(device: Device, ...words: string[]): readonly string[] {
  return ['--profile', device.folder, ...words]
}

/** While nobody listens there, a connection of anybody on this machine may have been given the port: then it is waited for. */
async function startServer(server: Lasting): Promise<void> {
  for (let left = PORT_TRIES; ; left--) {
    const before = server.stderr.length
    server.start()
    let ended = false
    server.gone().then(() => {
      ended = true
    })
    const serves = (): boolean => server.toldSinceStart.length > 0
    await until(
      'the server serves',
      () => ended || serves(),
      () => server.stderr,
    )
    if (serves()) return
    const said = server.stderr.slice(before)
    if (left === 0 || !said.includes('address-unusable')) throw new Error(`the server does not start: ${said}`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** A server that is its own CA makes one for this origin; from then on the proxy shows it. */
async function makeCertificate(home: string, words: readonly string[]): Promise<void> {
  const server = lasting(home, words)
  await startServer(server)
  await server.stop()
}

async function deviceIds({ objects, stderr }: Ran): Promise<ReadonlyMap<string, Who>> {
  if (objects.length !== 2) throw new Error(`two devices expected: ${stderr}`)
  return new Map(objects.map(({ id, name }) => [String(id), name as Who]))
}

function read<T>(dataFolder: string, sql: string, ...values: string[]): readonly T[] {
  const database = new DatabaseSync(join(dataFolder, 'keyferry.db'), { readOnly: true, timeout: 5000 })
  try {
    return database.prepare(sql).all(...values) as unknown as readonly T[]
  } finally {
    database.close()
  }
}

function deliveriesOf(dataFolder: string, key: string): readonly DeliveryAtServer[] {
  return read<DeliveryAtServer>(
    dataFolder,
    `select dl, state, json_extract(doc, '$.attempt') as attempt,
       (select coalesce(sum(length(sealed)), 0) from sealed_envelope where dl = delivery.dl) as wrappedOctets,
       (select count(*) from statement where typ = 'kf-receipt+jwt' and json_extract(doc, '$.subject') = dl) as receipts,
       (select count(*) from statement join leaf on leaf.ref = statement.ref
         where typ = 'kf-receipt+jwt' and json_extract(statement.doc, '$.subject') = dl) as receiptLeaves
     from delivery where key_id = ?`,
    key,
  )
}
