import { Command } from 'commander'
import { countArgument } from '../../console/arguments.ts'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly limit: number
}

export function transferListCommand(system: System): Command {
  const command = new Command('list')
    .summary('transfers that you take part in')
    .description('Lists transfers that you asked for or take part in, newest first.')
    .option('--limit <number>', 'how many at most', countArgument, 20)
  withExamples(command, [
    ['keyferry transfer list', ''],
    ['keyferry transfer list --json | jq -r \'select(.state=="open").tr\'', 'those under way'],
  ])
  return does<Options>(command, system, 'not listed', async (call, { limit }) => {
    const { listTransfers } = await import('@keyferry/device')
    const { transferRow } = await import('../../views/transfer.ts')
    const { output } = call
    await withDevice(call, async (open) => {
      const transfers = await listTransfers(open, Math.min(limit, 200))
      if (transfers.length === 0) output.none('no transfer yet: keyferry send KEY --to DEVICE')
      const shown = { open, now: open.now(), paint: output.paint }
      const rows = columns(transfers.map((transfer) => transferRow(shown, transfer)))
      for (const [i, transfer] of transfers.entries()) output.answer(transfer, [rows[i] ?? ''])
    })
  })
}
