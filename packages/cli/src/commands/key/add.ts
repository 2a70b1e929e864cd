import { basename, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { readPassphrase } from '../../console/passphrase.ts'
import { typed } from '../../console/quoted.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly label?: string
  readonly type?: 'aes' | 'hmac' | 'secret' | 'private' | 'age'
  readonly shared?: boolean
  readonly auto?: boolean
  readonly keyPassphraseFile?: string
}

export function keyAddCommand(system: System): Command {
  const command = new Command('add')
    .summary('take a key from a file')
    .description(
      'Takes a key from a file into the key store of this device. The file stays as it is. Known: OpenSSH, PEM, PKCS#8, age; other octets with --type. The server has to be reached: it learns that there is this key, of which type, and its label, never what is in it.',
    )
    .argument('<file>', 'the key file; - for standard input')
    .option('--label <name>', 'what you call it, which the server sees too (else the name of the file)')
    .addOption(
      new Option('--type <type>', 'what plain octets are').choices(['aes', 'hmac', 'secret', 'private', 'age']),
    )
    .option('--shared', "for devices of other people too, not only for one's own")
    .option('--auto', 'may go to own devices without a question')
    .option('--key-passphrase-file <file>', 'the passphrase of the key file, if it has one')
  withExamples(command, [
    ['keyferry key add ~/.ssh/id_ed25519', ''],
    ['keyferry key add vault.age --label team-vault --shared', 'one that others may get'],
    ['keyferry key add key.bin --type aes', '16, 24 or 32 octets'],
    ['pass show vault | keyferry key add - --label vault --type secret', 'what another program prints'],
  ])
  return does<Options>(command, system, 'not added', async (call, options, path) => {
    const { readKeyFile } = await import('@keyferry/device')
    const { addKey, freeLabel, sameKey } = await import('../../device/add-key.ts')
    const { readKeySource } = await import('../../device/key-source.ts')
    const { keyLines, keyShown } = await import('../../views/key.ts')
    const { label, type, shared, auto } = options
    if (path === '-' && label === undefined) {
      throw new CliError('wrong-use', 'a key from standard input needs a name', { hint: 'say it: --label NAME' })
    }
    const content = await readKeySource(call, path)
    try {
      const passphrase = await keyPassphrase(call, content, options.keyPassphraseFile)
      const file = readKeyFile(content, { ...(type === undefined ? {} : { type }), ...passphrase })
      passphrase.passphrase?.fill(0)
      try {
        await withDevice(call, async (open) => {
          const named = freeLabel(open, label ?? basename(path))
          const same = sameKey(open, file)
          const record = await addKey(open, {
            type: file.type,
            octets: file.octets,
            label: named,
            class: shared === true ? 'shared' : 'user',
            auto: auto === true,
            file: path === '-' ? null : resolve(path),
          })
          const shown = keyShown(open, record)
          call.output.answer(shown, keyLines(shown, system.home))
          if (same !== null) {
            call.output.say(`it is the same key as "${same.label}": each is sent and renewed by itself`)
          }
          call.output.say(`Next: ${typed('keyferry send', shown.label, '--to DEVICE')}`)
        })
      } finally {
        file.octets.fill(0)
      }
    } finally {
      content.fill(0)
    }
  })
}

/** Asked for files that are encrypted and can be opened here; others explain themselves. */
async function keyPassphrase(
  { prompts, output }: Invocation,
  content: Uint8Array,
  file: string | undefined,
): Promise<{ passphrase?: Uint8Array }> {
  const { isEncryptedKeyFile } = await import('@keyferry/device')
  if (!isEncryptedKeyFile(content)) return {}
  const warn = (text: string): void => output.say(text)
  const question = 'Passphrase of the key file'
  const instead = '--key-passphrase-file FILE'
  return { passphrase: await readPassphrase({ file: file ?? null, prompts, warn, question, instead }) }
}
