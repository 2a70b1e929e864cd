import { Command } from 'commander'
import { columns } from '../console/columns.ts'
import { withExamples } from '../console/help.ts'
import { deviceFingerprint, fingerprint } from '../console/ids.ts'
import type { NewProfileOptions } from '../device/new-profile.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options extends NewProfileOptions {
  readonly name?: string
}

/** PROTOCOL 3: the first device of a user, who gets the root key with it. */
export function initCommand(system: System): Command {
  const command = new Command('init')
    .summary('make this machine your first device')
    .description(
      'Makes this machine the first device of somebody, with a root key of its own: the string comes from whoever runs the server. For every further device it is `keyferry join`.',
    )
    .argument('[invitation]', 'the string, or nothing to paste it')
    .option('--name <name>', 'what you call this device (else its host name)')
    .option('--tls-ca <file>', 'CA of the server, if it is its own (PEM); kept for later')
    .option('--no-passphrase', 'protect the keys of this device by file permissions only')
  withExamples(command, [
    ["keyferry init 'keyferry:?v=1&o=…'", ''],
    ["keyferry init --tls-ca ca.pem 'keyferry:?v=1&o=…'", 'the server is its own CA'],
  ])
  return does<Options>(command, system, 'not made', async (call, options, ...given) => {
    const { isPairing, parsePairingString } = await import('@keyferry/protocol')
    const { makeFirstDevice } = await import('@keyferry/device')
    const { inNewProfile } = await import('../device/new-profile.ts')
    const { nameToKeep } = await import('../device/names.ts')
    const { explainInvitation, notFor, readInvitation, shortHostName } = await import('../device/invitation.ts')
    const text = await readInvitation(call, given[0])
    const string = parsePairingString(text)
    if (isPairing(string)) throw notFor('keyferry join')
    const label = nameToKeep('device', options.name ?? shortHostName(), 'choose another one: --name NAME')
    const rules = { origin: string.origin, resumable: true }
    const made = await inNewProfile(call, options, rules, (parts) => makeFirstDevice(parts, text, label)).catch(
      explainInvitation,
    )
    call.output.answer({ ...made, label, origin: string.origin }, [
      `This is ${made.username}'s first device.`,
      ...columns(
        [
          ['device', label, 'software', deviceFingerprint(made.device)],
          ['root', made.username, '', `${fingerprint(made.user, 24)} …`],
        ],
        '  ',
      ),
    ])
    call.output.say('Next: `keyferry agent` (or `keyferry agent --install` as a service)')
    call.output.more('`keyferry root export` keeps a copy of the root key: it lies on this device only')
    call.output.more('`keyferry device add` for the next device')
  })
}
