import type { OpenDevice, Question } from '@keyferry/device'
import { choose } from '../console/choose.ts'
import { CliError } from '../console/cli-error.ts'

/** The open question that somebody named: by its number in `keyferry pending`, or by its delivery. */
export function chooseQuestion(open: Pick<OpenDevice, 'store'>, typed: string): Question {
  const all = open.store.questions.open()
  if (/^[1-9][0-9]{0,3}$/.test(typed)) {
    const question = all[Number(typed) - 1]
    if (question === undefined)
      throw new CliError('name-unknown', `there is no question ${typed}`, { hint: 'keyferry pending' })
    return question
  }
  return choose(
    'question',
    typed,
    all.map((question) => ({ thing: question, id: question.dl, name: '' })),
  )
}
