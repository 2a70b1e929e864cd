import { Command } from 'commander'
import { CliError } from '../console/cli-error.ts'
import { withExamples } from '../console/help.ts'
import { withDevice } from '../device/open.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

/** PROTOCOL 15, `.../evidence`: all statements and proofs, for somebody who trusts neither side nor the server. */
export function evidenceCommand(system: System): Command {
  const command = new Command('evidence')
    .summary('everything that proves a transfer, for an auditor')
    .description(
      'Prints the statements, decisions and log proofs of a transfer as JSON, one object for each delivery. No secret is in it.',
    )
    .argument('<transfer>', 'its id, or the beginning of it')
  withExamples(command, [['keyferry evidence tr_2ck0 > evidence.json', '']])
  return does(command, system, 'no evidence', async (call, _options, typed) => {
    const { fetchEvidence, showTransfer } = await import('@keyferry/device')
    const { chooseTransfer } = await import('../device/transfer-choice.ts')
    await withDevice(call, async (open) => {
      const found = await showTransfer(open, await chooseTransfer(open, typed))
      const deliveries = found?.transfer.deliveries ?? []
      if (deliveries.length === 0) throw new CliError('name-unknown', 'you see none of its deliveries')
      for (const { dl } of deliveries) {
        call.output.octets(await fetchEvidence(open, dl))
        call.output.octets(Buffer.from('\n'))
      }
    })
  })
}
