import { join } from 'node:path'
import {
  becomeSingleEnrolment,
  type EnrolmentParts,
  fetchConfiguration,
  hasDeviceStore,
  hasMasterKey,
  makeMasterKey,
  makeSoftwareDevice,
  nodeTransport,
  openDeviceStore,
  openMasterKey,
  openSoftwareDevice,
  refuseLostStore,
  systemRandom,
  systemTime,
  TLS_CA_FILE,
  writeFileAtomically,
} from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import { choosePassphrase, readPassphrase } from '../console/passphrase.ts'
import type { Invocation } from '../invocation.ts'
import { discardProfile, removeIfEmpty } from './discard-profile.ts'
import { findTlsCa } from './tls-ca.ts'

export interface NewProfileOptions {
  readonly tlsCa?: string
  /** Commander's form of `--no-passphrase`: false if it was given. */
  readonly passphrase?: boolean
}

export interface NewProfileRules {
  readonly origin: string
  /** Whether a try that broke off may go on with the keys that it made: the same claim is sent again. */
  readonly resumable: boolean
}

/**
 * Makes a device in the profile folder and lets `enrol` make it known. If that fails nothing of it stays behind, unless a claim may have
 * reached the server and can be repeated: then the same command goes on where it stopped.
 */
export async function inNewProfile<T>(
  call: Invocation,
  options: NewProfileOptions,
  rules: NewProfileRules,
  enrol: (parts: EnrolmentParts) => Promise<T>,
): Promise<T> {
  const { profile } = call
  refuseLostStore(profile)
  const end = becomeSingleEnrolment(profile)
  try {
    refuseOther(profile, rules.resumable)
    return await enrolAlone(call, options, rules, enrol)
  } finally {
    end()
    removeIfEmpty(profile)
  }
}

const enrolAlone: typeof inNewProfile = async (call, options, { origin, resumable }, enrol) => {
  const { profile } = call
  const ca = findTlsCa(call, origin, options.tlsCa)
  const resumed = resumable && hasMasterKey(profile)
  if (!resumed) discardProfile(profile)
  const transport = nodeTransport(ca === null ? {} : { ca })
  let opened: Opened | null = null
  let keep = resumed
  try {
    // Before anything is asked: a server that is not there, or whose CA is unknown.
    if (!resumed) await fetchConfiguration(transport, origin, systemTime())
    opened = resumed ? await reopen(call) : await make(call, options)
    keep = false
    if (ca !== null) writeFileAtomically(join(profile, TLS_CA_FILE), Buffer.from(ca), 'replace')
    const result = await enrol({ ...opened, transport, now: systemTime, random: systemRandom })
    keep = true
    return result
  } catch (error) {
    const unanswered = error instanceof Error && error.name === 'UnreachableError'
    keep ||= resumable && unanswered && opened !== null && opened.store.identity.find() !== null
    throw error
  } finally {
    transport.close()
    opened?.store.close()
    if (!keep) discardProfile(profile)
  }
}

function refuseOther(folder: string, resumable: boolean): void {
  if (!hasDeviceStore(folder)) return
  const store = openDeviceStore(folder)
  try {
    const own = store.identity.find()
    if (own === null) return
    const isBegun = store.ownStatements.unsent().length > 0
    if (isBegun && resumable) return
    if (isBegun) {
      throw new CliError('wrong-use', `a first device of ${own.username} was begun here, and has no answer yet`, {
        hint: 'go on with it: keyferry init, with the same string; else name another folder: --profile FOLDER',
      })
    }
    throw new CliError('wrong-use', `this profile is a device of ${own.username} already`, {
      hint: 'for another device on this machine give another folder: --profile FOLDER',
    })
  } finally {
    store.close()
  }
}

type Opened = Pick<EnrolmentParts, 'store' | 'device'>

async function make(call: Invocation, options: NewProfileOptions): Promise<Opened> {
  const { prompts, passphraseFile: file, output } = call
  const warn = (text: string): void => output.say(text)
  const passphrase = await choosePassphrase({ file, prompts, warn }, options.passphrase === false)
  // The database first: a key file without one is a device that lost it.
  const store = openDeviceStore(call.profile)
  try {
    return { store, device: makeSoftwareDevice(store, await makeMasterKey(call.profile, passphrase)) }
  } catch (error) {
    store.close()
    throw error
  } finally {
    passphrase?.fill(0)
  }
}

async function reopen({ prompts, passphraseFile: file, output, profile }: Invocation): Promise<Opened> {
  const warn = (text: string): void => output.say(text)
  const master = await openMasterKey(profile, () => readPassphrase({ file, prompts, warn }))
  const store = openDeviceStore(profile)
  const begun = store.sealedKeys.signingKey('device') !== null
  return { store, device: begun ? openSoftwareDevice(store, master) : makeSoftwareDevice(store, master) }
}
