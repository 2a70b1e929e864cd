import type { KeyRecord, OpenDevice } from '@keyferry/device'
import { Command, Option } from 'commander'
import { deadlineArgument, spanArgument } from '../console/arguments.ts'
import { CliError } from '../console/cli-error.ts'
import { Explained } from '../console/failure.ts'
import { withExamples } from '../console/help.ts'
import { deviceFingerprint } from '../console/ids.ts'
import { quoted } from '../console/quoted.ts'
import { foreignOwner } from '../device/key-owner.ts'
import { withDevice } from '../device/open.ts'
import type { NamedTarget } from '../device/people.ts'
import { does, type Invocation } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options {
  readonly to: readonly string[]
  readonly for: number
  readonly again?: boolean
  readonly wait?: number | boolean
  readonly yes?: boolean
}

const WEEK_SECONDS = 7 * 86_400
/** Nobody needs to send it again, and who does makes a second transfer. */
const KEPT = 'It may have arrived, and is not lost: `keyferry agent` asks again.'

export function sendCommand(system: System): Command {
  const command = new Command('send')
    .summary('send a key to a device or a person')
    .description(
      'Sends a key to devices of yours or of other people. They may be off: the key waits, wrapped for them alone, until they come online.',
    )
    .argument('<key>', 'its label, or the beginning of its id')
    .requiredOption('--to <device...>', 'a device of yours, or somebody whom you pinned; several are possible')
    .addOption(
      new Option('--for <span>', 'how long it may take: 2h, 7d')
        .argParser(deadlineArgument)
        .default(WEEK_SECONDS, '7d'),
    )
    .option('--again', 'although they have this generation already')
    .option('--wait <span>', 'wait at most so long for the end (exit code 6 if it is not there)', spanArgument)
    .option('--no-wait', 'do not wait: end once the key is deposited (exit code 6 if it is not yet)')
    .option('--yes', 'do not ask')
  withExamples(command, [
    ['keyferry send "ssh laptop" --to phone', ''],
    ['keyferry send team-vault --to marta --to luis', 'people, each with all their devices'],
    ['keyferry send backup --to desktop --wait 10m', 'for scripts: 0 arrived, 6 still on its way'],
  ])
  return does<Options>(command, system, 'not sent', async (call, options, typed) => {
    const { chooseKey } = await import('../device/key-choice.ts')
    const { startTransfer, UnreachableError } = await import('@keyferry/device')
    return withDevice(call, async (open) => {
      const { requireGrownLog } = await import('../device/upkeep.ts')
      const record = chooseKey(open, typed)
      refuseForeign(open, record)
      await requireGrownLog(open)
      const named = await nameTargets(open, options.to)
      refuseOthers(record.key.class, record.label, named)
      const { withoutSecond } = await import('../device/without-second.ts')
      const targets = options.again === true ? named : await withoutSecond(open, record, named, call.output.say)
      if (options.yes !== true) await askAboutMany(call, targets)
      const transfer = await startTransfer(open, {
        record,
        targets: targets.map((target) =>
          target.kind === 'device'
            ? { device: target.device, username: null }
            : { user: target.user, username: target.username },
        ),
        confirmed: true,
        deadline: open.now() + options.for,
        ...(options.again === true ? { redelivery: true } : {}),
      }).catch((error: unknown) => {
        throw error instanceof UnreachableError ? new Explained(error, { more: KEPT }) : error
      })
      const { followSent } = await import('../device/follow-sent.ts')
      const { wait } = options
      const unasked = system.stdout.isTTY === true ? Number.POSITIVE_INFINITY : 0
      return followSent(call, open, transfer, wait === undefined || wait === true ? unasked : Number(wait))
    })
  })
}

async function nameTargets(open: OpenDevice, typed: readonly string[]): Promise<readonly NamedTarget[]> {
  const { nameTarget, Untrusted, untrustedLines } = await import('../device/people.ts')
  const targets: NamedTarget[] = []
  for (const one of typed) {
    const target = await nameTarget(open, one).catch((error: unknown) => {
      throw error instanceof Untrusted ? new Explained(error, untrustedLines(error)) : error
    })
    targets.push(target)
  }
  return targets
}

/** The server would refuse it, for whoever asks for a key of somebody else, and not say why. */
function refuseForeign(open: OpenDevice, record: KeyRecord): void {
  const owner = foreignOwner(open, record)
  if (owner === null) return
  throw new CliError('wrong-use', `"${record.label}" is a key of ${owner}: only devices of that user give it on`, {
    hint: 'ask for it there',
  })
}

/** Class `user`: every target is a device of the user whose key it is (PROTOCOL 13). Better said here than refused later. */
function refuseOthers(keyClass: string, label: string, targets: readonly NamedTarget[]): void {
  const other = targets.find((target) => target.kind === 'user')
  if (keyClass !== 'user' || other === undefined) return
  throw new CliError('wrong-use', `"${label}" is for your own devices only`, {
    hint: 'a key that others may get is added with --shared: keyferry key add --help',
  })
}

async function askAboutMany({ prompts }: Invocation, targets: readonly NamedTarget[]): Promise<void> {
  for (const target of targets) {
    if (target.kind === 'device' || target.devices.length < 2) continue
    const list = target.devices.map(({ id, kind }) => `${kind} ${deviceFingerprint(id)}`).join(', ')
    const question = `${quoted(target.username)} has ${target.devices.length} devices that can take it: ${list}. Send to all?`
    if (!(await prompts.confirm(question, '--yes', true))) throw new CliError('answered-no', 'you said no')
  }
}
