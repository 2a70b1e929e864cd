import { Command } from 'commander'
import { CliError } from '../console/cli-error.ts'
import { withExamples } from '../console/help.ts'
import { withDevice } from '../device/open.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options {
  readonly yes?: boolean
}

export function confirmCommand(system: System): Command {
  const command = new Command('confirm')
    .summary('say yes to what waits')
    .description('Shows once more what it is about, asks, and then does it.')
    .argument('<number>', 'its number in `keyferry pending`, or its delivery')
    .option('--yes', 'do not ask once more')
  withExamples(command, [['keyferry confirm 1', '']])
  return does<Options>(command, system, 'not confirmed', async (call, { yes }, typed) => {
    const { chooseQuestion } = await import('../device/question-choice.ts')
    const { answerQuestion, knowWhose } = await import('../device/answer-question.ts')
    const { nameOfDevice } = await import('../device/device-names.ts')
    const { questionLines, questionSentence } = await import('../views/question.ts')
    await withDevice(call, async (open) => {
      const question = await knowWhose(call, open, chooseQuestion(open, typed))
      const [first = '', ...rest] = questionLines(question, (id) => nameOfDevice(open, id))
      call.output.say(first)
      for (const line of rest) call.output.more(line.trimStart())
      if (yes !== true && !(await call.prompts.confirm(questionSentence(question), '--yes'))) {
        throw new CliError('answered-no', 'you said no; it still waits', {
          hint: `to end it: keyferry refuse ${typed}`,
        })
      }
      await answerQuestion(call, open, question, { answer: 'yes', reason: null })
    })
  })
}
