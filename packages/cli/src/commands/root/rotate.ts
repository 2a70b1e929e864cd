import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly yes?: boolean
}

export function rootRotateCommand(system: System): Command {
  const command = new Command('rotate')
    .summary('replace your root key by a fresh one')
    .description(
      'Hands over from your root key to a fresh one. Your root id stays, so that nobody has to pin you anew; copies of the old key become worthless, grants end.',
    )
    .option('--yes', 'do not ask')
  withExamples(command, [['keyferry root rotate', 'after somebody may have seen a copy']])
  return does<Options>(command, system, 'not rotated', async (call, { yes }) => {
    const { rotateRoot } = await import('@keyferry/device')
    await withDevice(call, async (open) => {
      const question = 'Replace your root key? Copies of it become worthless: make new ones afterwards.'
      if (yes !== true && !(await call.prompts.confirm(question, '--yes')))
        throw new CliError('answered-no', 'you said no')
      const set = await rotateRoot(open)
      call.output.answer({ set: set.payload.seq }, [`A fresh root key signs from set ${set.payload.seq} on.`])
      call.output.say('make a new copy: keyferry root export')
      call.output.more('let people pin you anew when you see them: their pins then name the new root')
    })
  })
}
