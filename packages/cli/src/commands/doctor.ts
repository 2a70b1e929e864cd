import { Command } from 'commander'
import { EXIT } from '../console/exit-codes.ts'
import { withExamples } from '../console/help.ts'
import { withDevice } from '../device/open.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

export function doctorCommand(system: System): Command {
  const command = new Command('doctor')
    .summary('look for what is wrong')
    .description(
      'Looks at server, clock, device set, log, witnesses and alarms, and says what to do about what is not well.',
    )
  withExamples(command, [['keyferry doctor', 'exit code 1 if something is wrong']])
  return does(command, system, 'not examined', async (call) => {
    const { examine } = await import('../doctor/examine.ts')
    const { output } = call
    const { good, bad, warn } = output.paint
    const words = { ok: good('ok'), care: warn('care'), bad: bad('BAD') }
    return withDevice(call, async (open) => {
      let exit: number = EXIT.done
      for await (const finding of examine(open)) {
        const { what, text, state, hint } = finding
        output.answer(finding, [
          `${what.padEnd(9)} ${text.padEnd(72)} ${words[state]}`,
          ...(hint === null ? [] : [`          hint: ${hint}`]),
        ])
        if (state === 'bad') exit = EXIT.failed
      }
      return exit
    })
  })
}
