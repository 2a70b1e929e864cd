import type { OpenDevice, TransferShown } from '@keyferry/device'
import { Command } from 'commander'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'
import type { DecisionShown } from '../../views/transfer.ts'

export function transferShowCommand(system: System): Command {
  const command = new Command('show')
    .summary('where a transfer stands, and who has to do what')
    .description('Shows where a transfer stands, what the server decided and why, and who has to do what.')
    .argument('<transfer>', 'its id, or the beginning of it')
  withExamples(command, [['keyferry transfer show tr_2ck0', '']])
  return does(command, system, 'not shown', async (call, _options, typed) => {
    const { showTransfer } = await import('@keyferry/device')
    const { chooseTransfer } = await import('../../device/transfer-choice.ts')
    const { lastSeenOf } = await import('../../device/own-devices.ts')
    const { devicesAwaited, transferLines } = await import('../../views/transfer.ts')
    const { output } = call
    await withDevice(call, async (open) => {
      const found = await showTransfer(open, await chooseTransfer(open, typed))
      if (found === null) return
      const decisions = await decisionsOf(open, found.transfer)
      const json = {
        ...found.transfer,
        deliveries: found.transfer.deliveries.map((delivery) => ({
          ...delivery,
          decisions: decisions.get(delivery.dl) ?? [],
        })),
      }
      const lastSeen = await lastSeenOf(open, devicesAwaited(found.transfer))
      const shown = { open, now: open.now(), paint: output.paint, lastSeen }
      output.answer(json, transferLines(shown, found.transfer, decisions))
    })
  })
}

/** By delivery; none where this device is no party yet. */
async function decisionsOf(
  open: OpenDevice,
  { deliveries }: TransferShown,
): Promise<ReadonlyMap<string, readonly DecisionShown[]>> {
  const { listDecisions } = await import('@keyferry/device')
  const { KeyferryError } = await import('@keyferry/protocol')
  const found = new Map<string, readonly DecisionShown[]>()
  for (const { dl } of deliveries) {
    try {
      found.set(dl, await listDecisions(open, dl))
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
    }
  }
  return found
}
