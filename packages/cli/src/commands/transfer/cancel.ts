import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { shortId } from '../../console/ids.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

const TERMINAL: ReadonlySet<string> = new Set(['completed', 'refused', 'failed', 'cancelled', 'expired', 'withdrawn'])

export function transferCancelCommand(system: System): Command {
  const command = new Command('cancel')
    .summary('stop what is not collected yet')
    .description(
      'Cancels the deliveries of a transfer that are not collected yet; the server erases their wrapped keys.',
    )
    .argument('<transfer>', 'its id, or the beginning of it')
  withExamples(command, [['keyferry transfer cancel tr_2ck0', '']])
  return does(command, system, 'not cancelled', async (call, _options, typed) => {
    const { cancelDelivery, showTransfer } = await import('@keyferry/device')
    const { chooseTransfer } = await import('../../device/transfer-choice.ts')
    const { nameOfDevice } = await import('../../device/device-names.ts')
    await withDevice(call, async (open) => {
      const found = await showTransfer(open, await chooseTransfer(open, typed))
      const going = (found?.transfer.deliveries ?? []).filter(({ state }) => !TERMINAL.has(state))
      if (going.length === 0)
        throw new CliError('nothing-to-do', 'nothing of it is going any more', {
          hint: `keyferry transfer show ${typed}`,
        })
      for (const { dl } of going) {
        const cancelled = await cancelDelivery(open, dl)
        call.output.answer(cancelled, [
          `${shortId(dl)} to ${nameOfDevice(open, cancelled.target)}   ${cancelled.state}`,
        ])
      }
    })
  })
}
