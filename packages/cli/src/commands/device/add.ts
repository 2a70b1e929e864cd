import type { NewDevice } from '@keyferry/device'
import { Command } from 'commander'
import { withExamples } from '../../console/help.ts'
import { deviceFingerprint } from '../../console/ids.ts'
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
    .option('--name <name>', 'what you call the new device')
    .option('--yes', 'do not ask: only where nobody else can have seen the string')
  withExamples(command, [
    ['keyferry device add', ''],
    ['keyferry device add --name phone', ''],
  ])
  return does<Options>(command, system, 'not added', async (call, options) => {
    const { addDevice } = await import('@keyferry/device')
    const { nameDevice } = await import('../../device/device-names.ts')
    const { output } = call
    await withDevice(call, async (open) => {
      if (options.yes !== true) await requireTerminal(call)
      const show = await pairingShower(call)
      const added = await addDevice(open, {
        show,
        confirm: async (device) => options.yes === true || call.prompts.confirm(question(device), '--yes'),
        report: (step) => output.say(STEPS[step]),
        signal: system.interruption(),
      })
      const { username } = open.store.seen.state()
      const name = options.name ?? (await askName(call, added))
      if (name !== '') nameDevice(open, added.device, name)
      const shown = name === '' ? deviceFingerprint(added.device) : name
      output.answer({ ...added, name }, [`${shown} is ${username}'s device now (target, source).`])
      output.say(`to take that back: keyferry device revoke ${name === '' ? added.device : JSON.stringify(name)}`)
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

async function pairingShower({ output, system }: Invocation): Promise<(pairing: string) => void> {
  const { qrLines } = await import('../../console/qr.ts')
  return (pairing) => {
    const qr = system.stdout.isTTY ? qrLines(pairing, system.stdout.columns) : null
    output.answer({ pairing }, [`    ${pairing}`, ...(qr === null ? [] : ['', ...qr])])
    output.say('on the new device, within 10 minutes: keyferry join, and this string')
    output.more('who sees it in that time can pretend to be that device: show it to nobody else')
  }
}

function question({ kind, device }: NewDevice): string {
  return `It is of kind ${kind}. Does it show ${deviceFingerprint(device)}?`
}

async function askName({ prompts }: Invocation, { device }: NewDevice): Promise<string> {
  return prompts.onTerminal
    ? (await prompts.text(`What do you call ${deviceFingerprint(device)}?`, '--name NAME')).trim()
    : ''
}
