import { Command, Option } from 'commander'
import { withExamples } from '../../console/help.ts'
import type { Generated } from '../../device/generate-key.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly type: Generated
  readonly shared?: boolean
  readonly auto?: boolean
}

export function keyGenerateCommand(system: System): Command {
  const command = new Command('generate')
    .summary('make a new key here')
    .description(
      'Makes a new key in the key store of this device. The server has to be reached: it learns that there is this key, of which type, and its label, never what is in it.',
    )
    .argument('<label>', 'what you call it, which the server sees too')
    // Written out here, so that help and completion load no cryptography.
    .addOption(
      new Option('--type <type>', 'what kind')
        .choices(['ed25519', 'p256', 'rsa', 'aes', 'hmac', 'secret'])
        .default('ed25519'),
    )
    .option('--shared', "for devices of other people too, not only for one's own")
    .option('--auto', 'may go to own devices without a question')
  withExamples(command, [
    ['keyferry key generate "ssh 2027"', 'an Ed25519 key'],
    ['keyferry key generate backup --type aes --auto', '256 bits, for all your devices'],
  ])
  return does<Options>(command, system, 'not made', async (call, { type, shared, auto }, label) => {
    const { generateKey } = await import('../../device/generate-key.ts')
    const { addKey } = await import('../../device/add-key.ts')
    const { keyLines, keyShown } = await import('../../views/key.ts')
    await withDevice(call, async (open) => {
      const made = generateKey(type)
      try {
        const record = await addKey(
          open,
          { ...made, label, class: shared === true ? 'shared' : 'user', auto: auto === true, file: null },
          'keyferry key generate NAME',
        )
        const shown = keyShown(open, record)
        call.output.answer(shown, keyLines(shown, system.home))
      } finally {
        made.octets.fill(0)
      }
    })
  })
}
