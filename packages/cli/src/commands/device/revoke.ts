import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { deviceFingerprint } from '../../console/ids.ts'
import { withDevice } from '../../device/open.ts'
import type { OwnDevice } from '../../device/own-devices.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly yes?: boolean
}

export function deviceRevokeCommand(system: System): Command {
  const command = new Command('revoke')
    .summary('take a lost device out')
    .description(
      'Takes a device out of your set: nobody gives it keys or takes any from it again. What it holds it keeps, so replace those keys. Works where the root key is.',
    )
    .argument('<device>', 'its name, or the beginning of its fingerprint or id')
    .option('--yes', 'do not ask')
  withExamples(command, [['keyferry device revoke phone', '']])
  return does<Options>(command, system, 'not revoked', async (call, { yes }, typed) => {
    const { readyToSign, revokeDevice } = await import('@keyferry/device')
    const { choose } = await import('../../console/choose.ts')
    const { calledDevices, ownDevices } = await import('../../device/own-devices.ts')
    await withDevice(call, async (open) => {
      const device = choose('device', typed, calledDevices((await ownDevices(open)).devices))
      const shown =
        device.name === '' ? deviceFingerprint(device.id) : `${device.name} (${deviceFingerprint(device.id)})`
      requireNotThis(device)
      await readyToSign(open)
      const question = `Revoke ${shown}? It cannot come back but as a new device.`
      if (yes !== true && !(await call.prompts.confirm(question, '--yes')))
        throw new CliError('answered-no', 'you said no')
      call.output.say('signing a new set, and waiting until the log shows it ...')
      await revokeDevice(open, device.id, { signal: system.interruption() })
      if (open.store.alarms.open().some(({ reason }) => reason === 'set-not-logged')) {
        call.output.say(
          'ALARM: the log does not show that set; the server may be keeping it back. Tell the people you exchange keys with.',
        )
      }
      call.output.answer({ device: device.id, state: 'revoked' }, [`${shown} is revoked.`])
      call.output.say('it keeps the keys that it holds: replace them')
    })
  })
}

/** Said before anything is asked or begun. */
function requireNotThis({ own }: OwnDevice): void {
  if (own) {
    throw new CliError('wrong-use', 'a device does not revoke itself', {
      hint: 'do it on the device that takes over the root: keyferry root import, then keyferry device revoke',
    })
  }
}
