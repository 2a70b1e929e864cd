import { readFileSync } from 'node:fs'
import type { OpenDevice } from '@keyferry/device'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { readPassphrase } from '../../console/passphrase.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly paper?: boolean
  readonly exportPassphraseFile?: string
}

const PAPER_LINES = 4

export function rootImportCommand(system: System): Command {
  const command = new Command('import')
    .summary('bring the root key into this device')
    .description(
      'Brings your root key into this device, which signs your device sets from then on: for when the device that did so is gone. One device at a time does.',
    )
    .argument('[file]', 'what `root export --to` wrote')
    .option('--paper', 'type the four lines of `root export --paper`')
    .option('--export-passphrase-file <file>', 'the passphrase of the copy')
  withExamples(command, [
    ['keyferry root import /media/stick/root.pem', ''],
    ['keyferry root import --paper', ''],
  ])
  return does<Options>(command, system, 'not imported', async (call, options, ...given) => {
    const { takeRoot } = await import('@keyferry/device')
    const path = given[0]
    if ((path === undefined) === (options.paper !== true)) {
      throw new CliError('wrong-use', 'say where from: a file, or --paper', { hint: 'keyferry root import --help' })
    }
    const pkcs8 = path === undefined ? await fromPaper(call) : await fromFile(call, path, options.exportPassphraseFile)
    try {
      await withDevice(call, async (open: OpenDevice) => {
        const set = await takeRoot(open, pkcs8)
        call.output.answer({ set: set.payload.seq }, [
          `This device holds the root of ${open.store.seen.state().username} now.`,
        ])
        call.output.say(
          'the other device must sign none any more: there, keyferry root remove; is it lost, here: keyferry device revoke',
        )
      })
    } finally {
      pkcs8.fill(0)
    }
  })
}

async function fromPaper({ prompts }: Invocation): Promise<Uint8Array> {
  const { readRootPaper } = await import('@keyferry/device')
  const lines: string[] = []
  for (let line = 1; line <= PAPER_LINES; line++)
    lines.push(await prompts.secret(`Line ${line}`, 'a file instead of --paper'))
  return readRootPaper(lines)
}

async function fromFile({ prompts, output }: Invocation, path: string, file: string | undefined): Promise<Uint8Array> {
  const { readRootPem } = await import('@keyferry/device')
  // Before anything is asked about it.
  const pem = readFileSync(path)
  const question = 'Passphrase of the copy'
  const passphrase = await readPassphrase({
    file: file ?? null,
    prompts,
    warn: output.say,
    question,
    instead: '--export-passphrase-file FILE',
  })
  try {
    return readRootPem(pem, passphrase)
  } finally {
    passphrase.fill(0)
  }
}
