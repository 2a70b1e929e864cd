import { Command } from 'commander'
import { withExamples } from '../console/help.ts'
import { shortId } from '../console/ids.ts'
import { withDevice } from '../device/open.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options {
  readonly reason?: string
}

export function refuseCommand(system: System): Command {
  const command = new Command('refuse')
    .summary('say no to what waits')
    .description('Ends it: the other side is told that you refused.')
    .argument('<number>', 'its number in `keyferry pending`, or its delivery')
    .option('--reason <text>', 'why, for your own notes')
  withExamples(command, [['keyferry refuse 2 --reason "not that machine"', '']])
  return does<Options>(command, system, 'not refused', async (call, { reason }, typed) => {
    const { chooseQuestion } = await import('../device/question-choice.ts')
    const { answerQuestion } = await import('../device/answer-question.ts')
    await withDevice(call, async (open) => {
      const question = chooseQuestion(open, typed)
      await answerQuestion(call, open, question, { answer: 'no', reason: reason ?? null })
      call.output.answer({ dl: question.dl, answer: 'no' }, [`${shortId(question.dl)}   refused`])
    })
  })
}
