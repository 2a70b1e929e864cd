import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type DeviceStore,
  hasDeviceStore,
  hasMasterKey,
  makeMasterKey,
  makeSoftwareDevice,
  nodeTransport,
  openDeviceStore,
  openMasterKey,
  openSoftwareDevice,
  type SoftwareDevice,
  systemRandom,
  systemTime,
  TLS_CA_FILE,
  type Transport,
  writeFileAtomically,
} from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import { choosePassphrase } from '../console/passphrase.ts'
import type { Invocation } from '../invocation.ts'
import { findTlsCa } from './tls-ca.ts'

export interface NewProfileOptions {
  readonly tlsCa?: string
  /** Commander's form of `--no-passphrase`: false if it was given. */
  readonly passphrase?: boolean
}

/** A device that is being made: with keys of its own, not yet known to anybody. */
export interface NewProfile {
  readonly store: DeviceStore
  readonly device: SoftwareDevice
  readonly transport: Transport
  readonly now: () => number
  readonly random: (count: number) => Uint8Array
}

/**
 * Makes a device in the profile folder and lets `enrol` make it known. If that fails before anything was claimed in its name, the folder
 * is as before; if it may have been claimed, all is kept and the same command goes on where it stopped.
 */
export async function inNewProfile<T>(
  call: Invocation,
  origin: string,
  options: NewProfileOptions,
  enrol: (profile: NewProfile) => Promise<T>,
): Promise<T> {
  const { profile: folder } = call
  const begun = hasMasterKey(folder)
  if (begun) refuseJoined(folder)
  const ca = findTlsCa(call, origin, options.tlsCa)
  const opened = begun ? await reopen(call) : await make(call, options)
  if (ca !== null) writeFileAtomically(join(folder, TLS_CA_FILE), Buffer.from(ca), 'replace')
  const transport = nodeTransport(ca === null ? {} : { ca })
  const profile: NewProfile = { ...opened, transport, now: systemTime, random: systemRandom }
  let claimed = false
  try {
    return await enrol(profile)
  } catch (error) {
    claimed = error instanceof Error && error.name === 'UnreachableError' && profile.store.identity.find() !== null
    throw error
  } finally {
    const failed = profile.store.identity.find() === null || profile.store.ownStatements.unsent().length > 0
    transport.close()
    profile.store.close()
    if (failed && !claimed && !begun) rmSync(folder, { recursive: true })
  }
}

function refuseJoined(folder: string): void {
  if (!hasDeviceStore(folder)) return
  const store = openDeviceStore(folder)
  try {
    const own = store.identity.find()
    if (own === null || store.ownStatements.unsent().length > 0) return
    throw new CliError('wrong-use', `this profile is a device of ${own.username} already`, {
      hint: 'for another device on this machine give another folder: --profile FOLDER',
    })
  } finally {
    store.close()
  }
}

async function make(call: Invocation, options: NewProfileOptions): Promise<Pick<NewProfile, 'store' | 'device'>> {
  const { prompts, passphraseFile: file, output } = call
  const warn = (text: string): void => output.say(text)
  const passphrase = await choosePassphrase({ file, prompts, warn }, options.passphrase === false)
  try {
    const master = await makeMasterKey(call.profile, passphrase)
    const store = openDeviceStore(call.profile)
    return { store, device: makeSoftwareDevice(store, master) }
  } finally {
    passphrase?.fill(0)
  }
}

async function reopen(call: Invocation): Promise<Pick<NewProfile, 'store' | 'device'>> {
  const { readPassphrase } = await import('../console/passphrase.ts')
  const { prompts, passphraseFile: file, output } = call
  const master = await openMasterKey(call.profile, () =>
    readPassphrase({ file, prompts, warn: (text) => output.say(text) }),
  )
  const store = openDeviceStore(call.profile)
  const device =
    store.sealedKeys.signingKey('device') === null
      ? makeSoftwareDevice(store, master)
      : openSoftwareDevice(store, master)
  return { store, device }
}
