import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly yes?: boolean
}

const ELSEWHERE = 'Another device signs your sets. Remove the root key from this one?'
const PERHAPS_ONLY =
  'This device signs your sets. If it is the only place of your root key, nobody can add or revoke devices of yours any more. Remove it all the same?'

export function rootRemoveCommand(system: System): Command {
  const command = new Command('remove')
    .summary('take the root key out of this device')
    .description(
      'Removes your root key from this device for good, for when you brought it to another one: one device at a time signs your sets.',
    )
    .option('--yes', 'do not ask')
  withExamples(command, [['keyferry root remove', 'on the old device, after `root import` on the new one']])
  return does<Options>(command, system, 'not removed', async (call, { yes }) => {
    const { removeRoot } = await import('@keyferry/device')
    await withDevice(call, async (open) => {
      await removeRoot(open, async (isElsewhere) => {
        const question = isElsewhere ? ELSEWHERE : PERHAPS_ONLY
        if (yes !== true && !(await call.prompts.confirm(question, '--yes'))) {
          throw new CliError('answered-no', 'you said no')
        }
        return true
      })
      call.output.answer({ device: open.device.signer.id }, ['The root key is no longer in this device.'])
      call.output.say('what it signed stays good; sets are signed where the root is now')
    })
  })
}
