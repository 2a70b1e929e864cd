import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { shortPath } from '../../folders.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly to: string
  readonly format?: 'auto' | 'pem' | 'octets'
  readonly force?: boolean
  readonly follow?: boolean
}

export function keySaveCommand(system: System): Command {
  const command = new Command('save')
    .summary('put a key into a file, where programs use it')
    .description(
      'Writes a key that this device holds into a file that only you can read, in the form that programs expect.',
    )
    .argument('<key>', 'its label, or the beginning of its id')
    .requiredOption('--to <file>', 'where; - for standard output, to another program')
    .addOption(
      new Option('--format <form>', 'auto: OpenSSH, PEM or age, as the key is').choices(['auto', 'pem', 'octets']),
    )
    .option('--force', 'replace the file that is there')
    .option('--follow', 'later generations of the key go there too, by themselves')
  withExamples(command, [
    ['keyferry key save "ssh laptop" --to ~/.ssh/id_ed25519', ''],
    ['keyferry key save team-vault --to ~/vault.age --follow', 'renewed with the key'],
    ['keyferry key save "ssh laptop" --to - | ssh-add -', 'to another program'],
  ])
  return does<Options>(command, system, 'not saved', async (call, { to, format, force, follow }, typed) => {
    const { makeSinks } = await import('@keyferry/device')
    const { writeNote } = await import('../../device/profile-notes.ts')
    const { chooseKey } = await import('../../device/key-choice.ts')
    const toStdout = to === '-'
    if (toStdout) refuseAtTerminal(call, follow === true)
    await withDevice(call, async (open) => {
      const record = chooseKey(open, typed)
      const octets = open.device.exportKey(record.key.id, record.key.generation)
      const key = { type: record.key.type, octets, label: record.label }
      const form = format === undefined ? {} : { format }
      try {
        if (toStdout) {
          makeSinks((content) => call.output.octets(Buffer.from(content))).stdout.put(key, form)
          call.output.detail(`${record.label}   written to standard output`)
          return
        }
        const path = makeSinks(() => {}).file.put(key, { path: resolve(to), ...form, force: force === true })
        if (follow === true) writeNote(open.folder, 'install-rules.json', record.key.id, path)
        call.output.answer({ id: record.key.id, file: path }, [
          `${record.label}   saved as ${shortPath(path, system.home)}`,
        ])
      } finally {
        octets.fill(0)
      }
    })
  })
}

function refuseAtTerminal({ system }: Invocation, follow: boolean): void {
  if (follow) throw new CliError('wrong-use', 'later generations can follow into a file only', { hint: '--to FILE' })
  if (system.stdout.isTTY !== true) return
  throw new CliError('wrong-use', 'standard output is the terminal', {
    hint: 'to see the key: keyferry key show KEY --reveal',
  })
}
