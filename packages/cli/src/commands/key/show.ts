import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly reveal?: boolean
}

export function keyShowCommand(system: System): Command {
  const command = new Command('show')
    .summary('what a key is; with --reveal, the key')
    .description(
      'Shows what a key is: its kind, class, fingerprint, where it may go. With --reveal, on a terminal, the key itself.',
    )
    .argument('<key>', 'its label, or the beginning of its id')
    .option('--reveal', 'print the secret; on a terminal only')
  withExamples(command, [
    ['keyferry key show "ssh laptop"', ''],
    ['keyferry key save "ssh laptop" --to ~/.ssh/id_ed25519', 'to use it, save it instead'],
  ])
  return does<Options>(command, system, 'not shown', async (call, { reveal }, typed) => {
    const { chooseKey } = await import('../../device/key-choice.ts')
    const { keyLines, keyShown } = await import('../../views/key.ts')
    if (reveal === true && (system.stdout.isTTY !== true || call.output.json)) {
      throw new CliError('terminal-needed', 'a secret is printed on a terminal only', {
        hint: 'for a file: keyferry key save KEY --to FILE',
      })
    }
    await withDevice(call, async (open) => {
      const record = chooseKey(open, typed)
      const shown = keyShown(open, record)
      if (reveal !== true) return call.output.answer(shown, keyLines(shown, system.home))
      const { makeSinks } = await import('@keyferry/device')
      const { revealed } = await import('../../views/revealed.ts')
      const octets = open.device.exportKey(record.key.id, record.key.generation)
      try {
        makeSinks((content) => {
          const { shown: lines, asBase64 } = revealed(content)
          if (asBase64) call.output.say(`${content.length} octets, which are no text, in base64:`)
          system.stdout.write(lines, () => lines.fill(0))
        }).stdout.put({ type: record.key.type, octets, label: record.label }, {})
      } finally {
        octets.fill(0)
      }
    })
  })
}
