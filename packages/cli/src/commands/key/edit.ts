import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly label?: string
  readonly auto?: boolean
  readonly browsers?: boolean
}

/** Changes the own record (PROTOCOL 2.4): what this device believes of the key, and what it does unasked. */
export function keyEditCommand(system: System): Command {
  const command = new Command('edit')
    .summary('rename a key, say where it may go')
    .description('Changes what this device knows of a key and does with it. Others do not change by it.')
    .argument('<key>', 'its label, or the beginning of its id')
    .option('--label <name>', 'what you call it')
    .option('--auto', 'may go to own devices without a question')
    .option('--no-auto', 'is asked about each time')
    .option('--browsers', 'may go to devices that are browsers; whoever runs the server can then take it')
    .option('--no-browsers', 'stays out of browsers')
  withExamples(command, [
    ['keyferry key edit "ssh laptop" --auto', ''],
    ['keyferry key edit id_ed25519 --label "ssh laptop"', ''],
  ])
  return does<Options>(command, system, 'not changed', async (call, options, typed) => {
    const { chooseKey } = await import('../../device/key-choice.ts')
    const { freeLabel } = await import('../../device/add-key.ts')
    const { foreignOwner } = await import('../../device/key-owner.ts')
    const { publishKey } = await import('@keyferry/device')
    const { keyLines, keyShown } = await import('../../views/key.ts')
    const { label, auto, browsers } = options
    if (label === undefined && auto === undefined && browsers === undefined) {
      throw new CliError('wrong-use', 'nothing to change was named', { hint: 'keyferry key edit --help' })
    }
    await withDevice(call, async (open) => {
      const before = chooseKey(open, typed)
      const owner = foreignOwner(open, before)
      if (owner !== null && (auto ?? browsers) !== undefined) {
        throw new CliError('wrong-use', `"${before.label}" is a key of ${owner}: it goes nowhere from here`, {
          hint: 'what can be changed of it is --label',
        })
      }
      const record = {
        ...before,
        label: label === undefined || label === before.label ? before.label : freeLabel(open, label, '--label NAME'),
        auto: auto ?? before.auto,
        browsers: browsers ?? before.browsers,
      }
      // The label of another's key is for this device alone.
      if (record.label !== before.label && owner === null) await publishKey(open, record)
      open.store.keys.put(record)
      const shown = keyShown(open, record)
      call.output.answer(shown, keyLines(shown, system.home))
    })
  })
}
