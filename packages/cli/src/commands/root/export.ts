import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { choosePassphrase } from '../../console/passphrase.ts'
import { withDevice } from '../../device/open.ts'
import { shortPath } from '../../folders.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

/** Fewer are tried through in no time, wherever the copy lies. */
const LEAST_OCTETS = 8

interface Options {
  readonly to?: string
  readonly paper?: boolean
  readonly exportPassphraseFile?: string
}

export function rootExportCommand(system: System): Command {
  const command = new Command('export')
    .summary('a copy of your root key, to be kept elsewhere')
    .description(
      'Makes a copy of your root key: a file under a passphrase, or four lines for paper. Without any copy a lost device means a new root id, which everybody has to pin anew. Whoever has the copy can speak for you.',
    )
    .option('--to <file>', 'encrypted PEM, for a stick that you lock away')
    .option('--paper', 'print four lines to write down; on a terminal only')
    .option('--export-passphrase-file <file>', 'the passphrase for the copy')
  withExamples(command, [
    ['keyferry root export --paper', 'write it down, look at nothing else meanwhile'],
    ['keyferry root export --to /media/stick/root.pem', ''],
  ])
  return does<Options>(command, system, 'not exported', async (call, options) => {
    if ((options.to === undefined) === (options.paper !== true)) {
      throw new CliError('wrong-use', 'say where to: one of --to FILE and --paper', {
        hint: 'keyferry root export --help',
      })
    }
    return options.to === undefined ? toPaper(call) : toFile(call, options.to, options.exportPassphraseFile)
  })
}

async function toPaper(call: Invocation): Promise<void> {
  if (call.system.stdout.isTTY !== true || call.output.json) {
    throw new CliError('terminal-needed', 'a secret is printed on a terminal only', {
      hint: 'for a file: keyferry root export --to FILE',
    })
  }
  const { exportRootPaper } = await import('@keyferry/device')
  await withDevice(call, async (open) => {
    for (const line of exportRootPaper(open)) call.output.answer({}, [`    ${line}`])
    call.output.say('each line has digits that show a slip of the pen; `keyferry root import --paper` reads them')
    call.output.more('this paper is your root key: nobody else may see it')
  })
}

async function toFile(call: Invocation, path: string, file: string | undefined): Promise<void> {
  const { DeviceError, exportRootPem, rootOf, writeFileAtomically } = await import('@keyferry/device')
  const { output, prompts, system } = call
  const question = 'Passphrase for the copy'
  await withDevice(call, async (open) => {
    rootOf(open)
    if (existsSync(path))
      throw new DeviceError('file-exists', `choose another name than ${path}, or take that away first`)
    const passphrase = await choosePassphrase(
      { file: file ?? null, prompts, warn: output.say, question, instead: '--export-passphrase-file FILE' },
      false,
    )
    if (passphrase === null || passphrase.length < LEAST_OCTETS) {
      throw new CliError('wrong-use', `a copy of the root needs a passphrase of ${LEAST_OCTETS} characters or more`, {
        hint: 'whoever finds the copy can try as many as he likes: take some words that nobody connects with you',
      })
    }
    try {
      writeFileAtomically(path, await exportRootPem(open, passphrase), 'fail')
    } finally {
      passphrase.fill(0)
    }
  })
  output.answer({ file: resolve(path) }, [`root key   saved as ${shortPath(path, system.home)}`])
}
