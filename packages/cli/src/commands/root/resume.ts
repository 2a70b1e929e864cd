import type { OpenDevice } from '@keyferry/device'
import type { DeviceSetPayload } from '@keyferry/protocol'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { deviceFingerprint } from '../../console/ids.ts'
import { counted } from '../../console/times.ts'
import { deviceNames } from '../../device/device-names.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly yes?: boolean
}

export function rootResumeCommand(system: System): Command {
  const command = new Command('resume')
    .summary('sign your device sets here again, after another device did')
    .description(
      'For a device that holds your root key, where another one signed your newest device set: shows what that set lists, and signs from it on here. One device at a time does.',
    )
    .option('--yes', 'you looked at what the set lists')
  withExamples(command, [['keyferry root resume', 'the device that you had brought the root to is lost']])
  return does<Options>(command, system, 'not resumed', async (call, { yes }) => {
    const { resumeRoot } = await import('@keyferry/device')
    await withDevice(call, async (open) => {
      let isForeign = false
      const { payload } = await resumeRoot(open, async (set) => {
        isForeign = true
        showSet(call, open, set.payload)
        const question = 'Are these your devices, and is this one to sign from now on?'
        if (yes !== true && !(await call.prompts.confirm(question, '--yes')))
          throw new CliError('answered-no', 'you said no', {
            hint: 'if one is not yours, bring nobody keys before you know why',
          })
        return true
      })
      if (!isForeign) {
        call.output.answer({ set: payload.seq }, [
          `This device goes on from set ${payload.seq}, your newest one, already: nothing to do.`,
        ])
        return
      }
      call.output.answer({ set: payload.seq }, [`This device signs your sets from set ${payload.seq} on.`])
      call.output.say(
        'the other device must sign none any more: there, keyferry root remove; is it lost, here: keyferry device revoke',
      )
      call.output.more('if somebody else signed that set, he has your root key: keyferry root rotate')
    })
  })
}

function showSet({ output }: Invocation, open: OpenDevice, { seq, devices, revoked }: DeviceSetPayload): void {
  const names = deviceNames(open)
  output.say(`another device signed set ${seq}, your newest one. It lists:`)
  const rows = columns(
    devices.map(({ id, kind, roles }) => [
      names.get(id) ?? '-',
      kind,
      deviceFingerprint(id),
      id === open.device.signer.id ? 'this device' : roles.join(', '),
    ]),
  )
  for (const row of rows) output.more(row)
  if (revoked.length > 0) output.more(`and ${counted(revoked.length, 'revoked device')}`)
}
