import type { NewDevice, OpenDevice } from '@keyferry/device'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { deviceFingerprint } from '../../console/ids.ts'
import { quoted } from '../../console/quoted.ts'
import { unlessStopped } from '../../console/unless-stopped.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly name?: string
  readonly yes?: boolean
}

/** PROTOCOL 3, the part of the paired device. */
export function deviceAddCommand(system: System): Command {
  const command = new Command('add')
    .summary('pair a further device of yours')
    .description(
      'Shows a string for the new device, which takes it with `keyferry join`. You compare what both show; then the new device belongs to you.',
    )
    .option('--name <name>', 'what you call the new device here')
    .option('--yes', 'do not ask: only where nobody else can have seen the string')
  withExamples(command, [
    ['keyferry device add', ''],
    ['keyferry device add --name phone', ''],
  ])
  return does<Options>(command, system, 'not added', async (call, options) => {
    const { addDevice } = await import('@keyferry/device')
    const { freeDeviceName, nameDevice } = await import('../../device/device-names.ts')
    const { explainPairing } = await import('../../device/invitation.ts')
    const { output } = call
    await withDevice(call, async (open) => {
      if (options.yes !== true) await requireTerminal(call)
      if (options.name !== undefined) freeDeviceName(open, options.name)
      const again = 'nothing was added; to begin again: keyferry device add'
      const added = await unlessStopped(system.interruption(), again, (signal) =>
        addDevice(open, {
          show: (pairing) => showPairing(call, pairing),
          confirm: async (device) => options.yes === true || call.prompts.confirm(question(device), '--yes'),
          report: (step) => output.say(STEPS[step]),
          signal,
        }).catch(explainPairing),
      )
      const { username } = open.store.seen.state()
      const name =
        options.name === undefined ? await askName(call, open, added) : nameDevice(open, added.device, options.name)
      const digits = deviceFingerprint(added.device)
      const typed = name === null ? digits.replaceAll(' ', '') : quoted(name)
      output.answer({ ...added, name: name ?? '' }, [`${name ?? digits} is ${username}'s device now (target, source).`])
      if (name === null) output.say(`it has no name here yet: keyferry device name ${typed} NAME`)
      output.say(`to take that back: keyferry device revoke ${typed}`)
    })
  })
}

const STEPS = {
  claimed: 'a new device answers',
  answered: 'asking for a proof of its keys ...',
  proven: 'it holds its keys',
} as const

/** Before anything is shown: a string without somebody to confirm leads nowhere. */
async function requireTerminal({ prompts }: Invocation): Promise<void> {
  if (!prompts.onTerminal) await prompts.confirm('Does the new device show the same digits?', '--yes')
}

async function showPairing({ output, system }: Invocation, pairing: string): Promise<void> {
  const { stringLines } = await import('../../console/string-lines.ts')
  output.answer({ pairing }, await stringLines(system, pairing))
  output.say('on the new device, within 10 minutes: keyferry join, and this string')
  output.more('who sees it in that time can pretend to be that device: show it to nobody else')
}

function question({ kind, device }: NewDevice): string {
  return `It is of kind ${kind}. Does it show ${deviceFingerprint(device)}?`
}

/** Asked until it can be a name: the device is paired by now, whatever it is called. `null`: none. */
async function askName(
  { prompts, output }: Invocation,
  open: OpenDevice,
  { device }: NewDevice,
): Promise<string | null> {
  if (!prompts.onTerminal) return null
  const { nameDevice } = await import('../../device/device-names.ts')
  for (;;) {
    const typed = await prompts.text(`What do you call ${deviceFingerprint(device)}?`, '--name NAME')
    if (typed.trim() === '') return null
    try {
      return nameDevice(open, device, typed)
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      output.say(`${error.message}: ${error.hint}`)
    }
  }
}
