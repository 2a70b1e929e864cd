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
      'Hands over from your root key to a fresh one. Your root id stays, and so do the pins of others; grants end. Whoever sees the hand-over believes the old key no more; a pin made anew protects also those who did not see it.',
    )
    .option('--yes', 'do not ask')
  withExamples(command, [['keyferry root rotate', 'then make a new copy: keyferry root export']])
  return does<Options>(command, system, 'not rotated', async (call, { yes }) => {
    const { readyToSign, rotateRoot } = await import('@keyferry/device')
    await withDevice(call, async (open) => {
      await readyToSign(open)
      const question = 'Replace your root key? Copies of it cannot sign for you any more: make new ones afterwards.'
      if (yes !== true && !(await call.prompts.confirm(question, '--yes')))
        throw new CliError('answered-no', 'you said no')
      const set = await rotateRoot(open)
      call.output.answer({ set: set.payload.seq }, [`A fresh root key signs from set ${set.payload.seq} on.`])
      call.output.say('make a new copy: keyferry root export')
      call.output.more(
        'pins of you stay good; made anew (keyferry user pin --show) they name the new root, and the old key deceives nobody',
      )
    })
  })
}
