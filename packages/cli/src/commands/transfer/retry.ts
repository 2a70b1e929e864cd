import { Command, Option } from 'commander'
import { deadlineArgument } from '../../console/arguments.ts'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { shortId } from '../../console/ids.ts'
import { until } from '../../console/times.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly for: number
}

/** Row 15 of PROTOCOL 5. */
const RETRIED: ReadonlySet<string> = new Set(['failed', 'expired', 'refused', 'cancelled'])
const WEEK_SECONDS = 7 * 86_400

export function transferRetryCommand(system: System): Command {
  const command = new Command('retry')
    .summary('try again what failed')
    .description(
      'Tries the deliveries of a transfer again that failed, expired, were refused or cancelled: three times at most.',
    )
    .argument('<transfer>', 'its id, or the beginning of it')
    .addOption(
      new Option('--for <span>', 'how long it may take: 2h, 7d')
        .argParser(deadlineArgument)
        .default(WEEK_SECONDS, '7d'),
    )
  withExamples(command, [['keyferry transfer retry tr_2ck0 --for 2d', '']])
  return does<Options>(command, system, 'not tried again', async (call, options, typed) => {
    const { retryDelivery, showTransfer } = await import('@keyferry/device')
    const { chooseTransfer } = await import('../../device/transfer-choice.ts')
    const { nameOfDevice } = await import('../../device/device-names.ts')
    await withDevice(call, async (open) => {
      const found = await showTransfer(open, await chooseTransfer(open, typed))
      const ended = (found?.transfer.deliveries ?? []).filter(({ state }) => RETRIED.has(state))
      if (ended.length === 0)
        throw new CliError('nothing-to-do', 'nothing of it can be tried again', {
          hint: `keyferry transfer show ${typed}`,
        })
      for (const { dl } of ended) {
        const again = await retryDelivery(open, dl, open.now() + options.for)
        call.output.answer(again, [
          `${shortId(dl)} to ${nameOfDevice(open, again.target)}   ${again.state}, attempt ${again.attempt}, ${until(again.deadline, open.now())}`,
        ])
      }
      call.output.say('the agent of the source does the rest: keyferry agent')
    })
  })
}
