import type { Alarm, OpenDevice } from '@keyferry/device'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly lift?: string
  readonly yes?: boolean
}

/** The human's act of PROTOCOL 11: until it, a log that contradicted itself stops all transfers. */
export function logAlarmsCommand(system: System): Command {
  const command = new Command('alarms')
    .summary('what a human must look at, and how to go on after it')
    .description(
      'Lists what this device met that should not happen, with the evidence that it keeps. Where the log showed two histories all transfers stand still until you lift the alarm. Whoever lifts one has looked: if the cause is still there, the alarm comes back.',
    )
    .option('--lift <number>', 'you have looked at this one: go on')
    .option('--yes', 'do not ask')
  withExamples(command, [
    ['keyferry log alarms', ''],
    ['keyferry log alarms --json > alarms.json', 'with the whole evidence, for your administrator'],
    ['keyferry log alarms --lift 3', 'once you know what it was'],
  ])
  const notDone = ({ lift }: Options): string => (lift === undefined ? 'no alarms shown' : 'nothing lifted')
  return does<Options>(command, system, notDone, async (call, { lift, yes }) => {
    await withDevice(call, async (open) => {
      if (lift === undefined) await listAlarms(call, open)
      else await liftAlarm(call, open, chosen(open.store.alarms.open(), lift), yes === true)
    })
  })
}

async function listAlarms({ output }: Invocation, open: OpenDevice): Promise<void> {
  const { alarmLines } = await import('../../views/alarm.ts')
  const alarms = open.store.alarms.open()
  if (alarms.length === 0) output.none('no alarm is open')
  for (const alarm of alarms) output.answer(alarm, alarmLines(alarm, open.now()))
}

function chosen(alarms: readonly Alarm[], typed: string): Alarm {
  const alarm = alarms.find(({ id }) => String(id) === typed)
  if (alarm !== undefined) return alarm
  throw new CliError('name-unknown', `no open alarm has the number ${typed}`, { hint: 'keyferry log alarms' })
}

async function liftAlarm({ output, prompts }: Invocation, open: OpenDevice, alarm: Alarm, yes: boolean): Promise<void> {
  const { liftAlarm: lift, stopsTransfers } = await import('@keyferry/device')
  if (!yes) {
    const { alarmLines, questionToLift } = await import('../../views/alarm.ts')
    for (const line of alarmLines(alarm, open.now())) output.more(line)
    if (!(await prompts.confirm(questionToLift(alarm), '--yes'))) throw new CliError('answered-no', 'you said no')
  }
  const { id, reason, subject } = alarm
  lift(open.store, alarm, open.now())
  const stopped = open.store.alarms.open().find(stopsTransfers)
  output.answer({ id, reason, subject, state: 'lifted' }, [`${reason} about ${subject}: lifted.`])
  if (!stopsTransfers(alarm)) return
  output.say(
    stopped === undefined
      ? 'transfers go on; if the server shows the other history once more, the alarm is back'
      : `transfers still stand still: keyferry log alarms --lift ${stopped.id}`,
  )
}
