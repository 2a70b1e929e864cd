import type { OpenDevice } from '@keyferry/device'
import { readPassphrase } from '../console/passphrase.ts'
import type { Invocation } from '../invocation.ts'
import { patient } from './patient.ts'

/**
 * Opens the device of the profile, lets a command work with it, and closes it whatever happens.
 * @throws {DeviceError} `profile-absent`, `passphrase-needed`, `passphrase-wrong`, `permissions-too-open`, `profile-damaged`
 */
export async function withDevice<T>(call: Invocation, work: (open: OpenDevice) => Promise<T>): Promise<T> {
  const { openDevice } = await import('@keyferry/device')
  const open = await openDevice(call.profile, { askPassphrase: () => askPassphrase(call) })
  try {
    return await work({ ...open, client: patient(call, open.client) })
  } finally {
    open.close()
  }
}

/** `null`: nobody to ask, and no file named. */
async function askPassphrase({ passphraseFile, prompts, output }: Invocation): Promise<Uint8Array | null> {
  if (passphraseFile === null && !prompts.onTerminal) return null
  return readPassphrase({ file: passphraseFile, prompts, warn: (text) => output.say(text) })
}
