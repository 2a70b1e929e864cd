import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  addDevice,
  type EnrolmentParts,
  joinAsDevice,
  makeFirstDevice,
  makeMasterKey,
  makeSoftwareDevice,
  type OpenDevice,
  openDevice,
  openDeviceStore,
  openMasterKey,
  openSoftwareDevice,
  systemRandom,
  systemTime,
} from '@keyferry/device'
import { makePairingString } from '@keyferry/protocol'
import { type RunningServer, readServeConfig, startServer } from '@keyferry/server'
import { invite, toServer } from './in-process.ts'
import { type Lies, lyingServer, stolenServerKey } from './lying-server.ts'

export const ORIGIN = 'https://keys.example'

/** A real server, and devices between which and it somebody may stand who holds the server's keys. */
export interface EnrolmentWorld {
  readonly server: RunningServer
  readonly dataFolder: string
  /** An empty profile. `lies` may be changed at any time. */
  profile(lies?: Lies): Promise<Profile>
  /** The string with which somebody makes a first device. */
  invitation(username: string): Promise<string>
  /** Somebody's first device. */
  first(username: string, lies?: Lies): Promise<OpenDevice>
  /** Opens what was enrolled. */
  open(profile: Profile): Promise<OpenDevice>
  close(): Promise<void>
}

export interface Profile {
  readonly folder: string
  readonly parts: EnrolmentParts
  readonly lies: Lies
  /** The same files, opened again: what a process finds after the one before died. */
  again(): Promise<EnrolmentParts>
}

export async function anEnrolmentWorld(): Promise<EnrolmentWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
  const dataFolder = join(folder, 'server')
  const settings = readServeConfig({ dataFolder, origin: ORIGIN, behindProxy: true, logLevel: 'error' })
  const server = await startServer({ ...settings, listenHost: '127.0.0.1', listenPort: 0 })
  const serverKey = stolenServerKey(dataFolder)
  const closing: (() => void)[] = []
  let count = 0
  const world: EnrolmentWorld = {
    server,
    dataFolder,
    async profile(lies = {}) {
      const place = join(folder, `device ${count++}`)
      const transport = lyingServer(
        toServer(() => server.port, { online: true }),
        serverKey,
        lies,
      )
      const rest = { transport, now: systemTime, random: systemRandom, pause: async () => {} }
      const master = await makeMasterKey(place, null)
      const store = openDeviceStore(place)
      closing.push(() => store.close())
      return {
        folder: place,
        parts: { ...rest, store, device: makeSoftwareDevice(store, master) },
        lies,
        async again() {
          const opened = openDeviceStore(place)
          closing.push(() => opened.close())
          return {
            ...rest,
            store: opened,
            device: openSoftwareDevice(opened, await openMasterKey(place, noPassphrase)),
          }
        },
      }
    },
    async invitation(username) {
      return makePairingString({ origin: ORIGIN, username, log: server.logKey, code: await invite(server, username) })
    },
    async first(username, lies) {
      const profile = await world.profile(lies)
      await makeFirstDevice(profile.parts, await world.invitation(username), 'laptop')
      return world.open(profile)
    },
    async open({ folder: place, parts }) {
      const open = await openDevice(place, { askPassphrase: noPassphrase, transport: parts.transport })
      closing.push(() => open.close())
      return open
    },
    async close() {
      for (const end of closing) end()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

const noPassphrase = async (): Promise<null> => null

/** How both sides of a pairing ended. */
export interface Paired {
  readonly added: PromiseSettledResult<Awaited<ReturnType<typeof addDevice>>>
  readonly joined: PromiseSettledResult<Awaited<ReturnType<typeof joinAsDevice>>>
  /** What A's human was shown, if anything. */
  readonly asked: readonly unknown[]
}

/** Pairs; `seen` gets the string, as somebody who looks over the shoulder would, and may say what is typed instead. */
export async function pair(
  first: OpenDevice,
  newcomer: Profile,
  seen: (text: string) => string | undefined = () => undefined,
): Promise<Paired> {
  const pause = async (): Promise<void> => {}
  const asked: unknown[] = []
  let joining: Promise<Awaited<ReturnType<typeof joinAsDevice>>> | undefined
  const adding = addDevice(first, {
    show(text) {
      joining = joinAsDevice(newcomer.parts, seen(text) ?? text, { label: 'phone', show: () => {} })
      joining.catch(() => {})
    },
    confirm: async (facts) => asked.push(facts) > 0,
    pause,
  })
  const [added] = await Promise.allSettled([adding])
  const [joined] = await Promise.allSettled([joining ?? Promise.reject(new Error('nothing was shown'))])
  return { added, joined, asked }
}
