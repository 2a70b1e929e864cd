import { Command } from 'commander'
import { columns } from '../console/columns.ts'
import { withExamples } from '../console/help.ts'
import { withDevice } from '../device/open.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

export function pendingCommand(system: System): Command {
  const command = new Command('pending')
    .summary('what waits for your yes or no')
    .description('Lists what this device does not do without you: giving a key away, taking keys of somebody new.')
  withExamples(command, [
    ['keyferry pending', ''],
    ['keyferry confirm 1', 'the first of the list'],
  ])
  return does(command, system, 'not listed', async (call) => {
    const { questionRow } = await import('../views/question.ts')
    const { nameOfDevice } = await import('../device/device-names.ts')
    const { output } = call
    await withDevice(call, async (open) => {
      const questions = open.store.questions.open()
      if (questions.length === 0) output.none('nothing waits for you')
      const rows = columns(
        questions.map((question, i) => questionRow(question, i + 1, (id) => nameOfDevice(open, id), open.now())),
      )
      for (const [i, question] of questions.entries()) output.answer({ number: i + 1, ...question }, [rows[i] ?? ''])
    })
  })
}
