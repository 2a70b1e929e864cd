import { Command } from 'commander'
import { withExamples } from '../console/help.ts'
import { deviceFingerprint } from '../console/ids.ts'
import { counted } from '../console/times.ts'
import { unlessStopped } from '../console/unless-stopped.ts'
import type { NewProfileOptions } from '../device/new-profile.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options extends NewProfileOptions {
  readonly name?: string
}

/** PROTOCOL 3, the part of the new device. */
export function joinCommand(system: System): Command {
  const command = new Command('join')
    .summary('make this machine a further device of yours')
    .description(
      'Makes this machine a further device of yours: on the first one run `keyferry device add`, which shows the string. Both must stay online for a moment.',
    )
    .option('--name <name>', 'what you call this device here (else its host name); there, `device add --name` says it')
    .option('--tls-ca <file>', 'CA of the server, if it is its own (PEM); kept for later')
    .option('--no-passphrase', 'protect the keys of this device by file permissions only')
  withExamples(command, [
    ['keyferry join', 'asks for the string: it is a secret for ten minutes, so it is no argument'],
    ['ssh laptop keyferry device add --yes | keyferry join', 'over a channel that you trust'],
  ])
  return does<Options>(command, system, 'not joined', async (call, options) => {
    const { isPairing, parsePairingString } = await import('@keyferry/protocol')
    const { joinAsDevice } = await import('@keyferry/device')
    const { inNewProfile } = await import('../device/new-profile.ts')
    const { nameToKeep } = await import('../device/names.ts')
    const { explainInvitation, notFor, readInvitation, shortHostName } = await import('../device/invitation.ts')
    const { output } = call
    const text = await readInvitation(call, undefined)
    const string = parsePairingString(text)
    if (!isPairing(string)) throw notFor('keyferry init')
    const label = nameToKeep('device', options.name ?? shortHostName(), 'choose another one: --name NAME')
    output.say(`you join as a device of ${string.username} at ${new URL(string.origin).host}`)
    const again = 'this machine joined nothing; to begin again, with a new string: keyferry join'
    const joined = await unlessStopped(system.interruption(), again, (signal) =>
      inNewProfile(call, options, { origin: string.origin, resumable: false }, (parts) =>
        joinAsDevice(parts, text, {
          label,
          show: (device) => output.say(`this device is ${deviceFingerprint(device)}: confirm it on the other one ...`),
          report: (step) => output.detail(step),
          signal,
        }),
      ).catch(explainInvitation),
    )
    const { cas, witnesses } = joined.trust
    output.answer({ ...joined, label, origin: string.origin }, [
      `Joined: ${label}, a device of ${joined.username}.   ${deviceFingerprint(joined.device)}`,
      `It trusts ${counted(cas.length, 'organisation CA')}, ${counted(witnesses.length, 'witness')}.`,
    ])
    output.say('Next: keyferry agent')
  })
}
