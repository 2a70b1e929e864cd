import { randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EpochSeconds, KeyferryError } from '@keyferry/protocol'
import { type Client, client } from './client/client.ts'
import { nodeTransport } from './client/node-transport.ts'
import type { Transport } from './client/transport.ts'
import { DeviceError } from './errors.ts'
import { type AskPassphrase, hasMasterKey, openMasterKey } from './keystores/software/master-key.ts'
import { openSoftwareDevice, type SoftwareDevice } from './keystores/software/software-device.ts'
import type { DeviceStore } from './store/device-store.ts'
import { DEVICE_DATABASE, hasDeviceStore, hasWrittenStore, openDeviceStore } from './store/sqlite/open-device-store.ts'

/** The CA of the server's TLS certificate, if it is none of the system's: kept in the profile when the device joins. */
export const TLS_CA_FILE = 'tls-ca.pem'

/** A device of this computer, opened: what commands and agent work with. */
export interface OpenDevice {
  readonly folder: string
  readonly store: DeviceStore
  readonly device: SoftwareDevice
  readonly client: Client
  readonly transport: Transport
  readonly now: () => EpochSeconds
  readonly random: (count: number) => Uint8Array
  close(): void
}

export interface OpenOptions {
  readonly askPassphrase: AskPassphrase
  /** Instead of HTTPS by Node: tests run against a server in the same process. */
  readonly transport?: Transport
  /** Instead of the system's clock. */
  readonly clock?: () => EpochSeconds
}

/**
 * Opens the device of a profile folder.
 * @throws {DeviceError} `profile-absent`, `profile-unusable`, `profile-incomplete`, `profile-damaged`, `passphrase-needed`,
 * `passphrase-wrong`, `permissions-too-open`, `tls-ca-damaged`
 */
export async function openDevice(folder: string, options: OpenOptions): Promise<OpenDevice> {
  const absent = new DeviceError('profile-absent', 'join first: keyferry init, keyferry join')
  refuseLostStore(folder)
  if (!hasDeviceStore(folder)) throw absent
  if (!hasMasterKey(folder)) throw new DeviceError('profile-incomplete')
  const master = await openMasterKey(folder, options.askPassphrase)
  const store = openDeviceStore(folder)
  try {
    const identity = store.identity.find()
    if (identity === null) throw absent
    const device = openSoftwareDevice(store, master)
    const transport = options.transport ?? nodeTransport(tlsCa(folder))
    const clock = options.clock ?? systemTime
    const now = deviceTime(store, clock)
    const random = systemRandom
    return {
      folder,
      store,
      device,
      transport,
      now,
      random,
      client: client({
        origin: identity.origin,
        transport,
        signer: device.signer,
        serverKey: (kid) => store.serverKeys.find(kid)?.jwk ?? null,
        now,
        random,
        answeredAt: (created) => confirmTime(store, Math.min(clock(), created)),
      }),
      close() {
        transport.close()
        store.close()
      },
    }
  } catch (error) {
    store.close()
    throw error
  }
}

/**
 * A key file without its database is a device that lost it: nothing is to be made in its place while it can be put back.
 * @throws {DeviceError} `profile-damaged`
 */
export function refuseLostStore(folder: string): void {
  if (!hasMasterKey(folder) || hasWrittenStore(folder)) return
  throw new DeviceError(
    'profile-damaged',
    `${DEVICE_DATABASE} is gone or empty: put it back; for another device name another folder: --profile FOLDER`,
  )
}

export function systemTime(): EpochSeconds {
  return Math.floor(Date.now() / 1000)
}

export function systemRandom(count: number): Uint8Array {
  return new Uint8Array(randomBytes(count))
}

const HOUR_SECONDS = 3600
const DAY_SECONDS = 86_400

/**
 * A device's time never runs back (PROTOCOL 1): the greatest of its clock and of what it has seen signed. What its clock says alone is
 * not written down: one wrong hour would be believed for ever. A clock more than a day behind what was seen is an alarm, which ends
 * with its cause.
 */
export function deviceTime(store: DeviceStore, clock: () => EpochSeconds): () => EpochSeconds {
  const seen = store.clock.last()
  const started = clock()
  if (seen - started > DAY_SECONDS) {
    store.alarms.raise({ reason: 'clock-behind', subject: 'clock', facts: { seen, clock: started }, at: seen })
  } else {
    const over = store.alarms.open().filter(({ reason }) => reason === 'clock-behind')
    for (const { id } of over) store.alarms.acknowledge(id, started)
  }
  return () => Math.max(clock(), store.clock.last())
}

/**
 * A time that the clock and a signed answer agree on is over. Neither can push it ahead alone: the server is believed no further than the
 * clock goes, the clock no further than the server says. Written down once an hour.
 */
function confirmTime({ clock }: DeviceStore, at: EpochSeconds): void {
  if (at - clock.last() < HOUR_SECONDS) return
  try {
    clock.raise(at)
  } catch (error) {
    // The next answer confirms it too; what this one was for does not depend on it.
    if (!(error instanceof KeyferryError)) throw error
  }
}

/**
 * Node takes what is no certificate for no CA at all, and then blames the server.
 * @returns options for `nodeTransport`: the CA of the profile, if it has one.
 * @throws {DeviceError} `tls-ca-damaged`
 */
export function tlsCa(folder: string): { ca?: string } {
  const path = join(folder, TLS_CA_FILE)
  if (!existsSync(path)) return {}
  const ca = readFileSync(path, 'utf8')
  try {
    new X509Certificate(ca)
  } catch (cause) {
    throw new DeviceError('tls-ca-damaged', `put a copy of the server’s tls/ca.pem there: ${path}`, { cause })
  }
  return { ca }
}
