import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { withExamples } from '../../console/help.ts'
import { quoted } from '../../console/quoted.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly label?: string
  readonly type?: 'aes' | 'hmac' | 'secret' | 'private' | 'age'
  readonly shared?: boolean
  readonly auto?: boolean
}

export function keyAddCommand(system: System): Command {
  const command = new Command('add')
    .summary('take a key from a file')
    .description(
      'Takes a key from a file into the key store of this device. The file stays as it is. Known: OpenSSH, PEM, PKCS#8, age; other octets with --type.',
    )
    .argument('<file>', 'the key file')
    .option('--label <name>', 'what you call it (else the name of the file)')
    .addOption(
      new Option('--type <type>', 'what plain octets are').choices(['aes', 'hmac', 'secret', 'private', 'age']),
    )
    .option('--shared', "for devices of other people too, not only for one's own")
    .option('--auto', 'may go to own devices without a question')
  withExamples(command, [
    ['keyferry key add ~/.ssh/id_ed25519', ''],
    ['keyferry key add vault.age --label team-vault --shared', 'one that others may get'],
    ['keyferry key add key.bin --type aes', '16, 24 or 32 octets'],
  ])
  return does<Options>(command, system, 'not added', async (call, options, path) => {
    const { readKeyFile } = await import('@keyferry/device')
    const { addKey } = await import('../../device/add-key.ts')
    const { keyLines, keyShown } = await import('../../views/key.ts')
    const content = readFileSync(path)
    try {
      const passphrase = await keyPassphrase(call, content)
      const file = readKeyFile(content, {
        ...(options.type === undefined ? {} : { type: options.type }),
        ...passphrase,
      })
      try {
        await withDevice(call, async (open) => {
          const record = await addKey(open, {
            type: file.type,
            octets: file.octets,
            label: options.label ?? basename(path),
            class: options.shared === true ? 'shared' : 'user',
            auto: options.auto === true,
            file: resolve(path),
          })
          const shown = keyShown(open, record)
          call.output.answer(shown, keyLines(shown, system.home))
          call.output.say(`Next: keyferry send ${quoted(shown.label)} --to DEVICE`)
        })
      } finally {
        file.octets.fill(0)
      }
    } finally {
      content.fill(0)
    }
  })
}

/** Asked only for PEM files that are encrypted; other encrypted forms explain themselves. */
async function keyPassphrase({ prompts }: Invocation, content: Uint8Array): Promise<{ passphrase?: Uint8Array }> {
  const head = Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 400)).toString('latin1')
  const encrypted = head.includes('ENCRYPTED')
  if (!encrypted || !prompts.onTerminal) return {}
  return {
    passphrase: new TextEncoder().encode(
      await prompts.secret('Passphrase of the key file', 'a copy without passphrase'),
    ),
  }
}
