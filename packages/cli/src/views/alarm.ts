import { type Alarm, stopsTransfers } from '@keyferry/device'
import type { JsonValue } from '@keyferry/protocol'
import { ago } from '../console/times.ts'

const WHOLE = 'whole: keyferry log alarms --json'

/** What it is, about whom, since when; then what is kept of it. */
export function alarmLines(alarm: Alarm, now: number): readonly string[] {
  const stops = stopsTransfers(alarm) ? '   all transfers stand still' : ''
  return [
    `${alarm.id}  ${alarm.reason} about ${alarm.subject}, ${ago(alarm.at, now)}${stops}`,
    ...kept(alarm.facts).map((line) => `   ${line}`),
  ]
}

/** Where to lift it changes what the device does. */
const QUESTIONS: Readonly<Record<string, string>> = {
  'owner-unopenable':
    'Have you asked the owner why nothing that came could be opened? Keys of that owner are taken in again then.',
}

/** What a yes means: what the human should know before he gives it. */
export function questionToLift(alarm: Alarm): string {
  if (stopsTransfers(alarm)) {
    return `The log at ${alarm.subject} contradicted itself: somebody may have been shown other keys than you. Do you know why, and do you trust this server again? Transfers go on then.`
  }
  return QUESTIONS[alarm.reason] ?? `Have you looked at what caused ${alarm.reason}, and is it settled?`
}

function kept(facts: JsonValue): readonly string[] {
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) return [`kept: ${String(facts)}`]
  const { mine, shown, ...rest } = facts as Readonly<Record<string, JsonValue>>
  const notes = [sizeOf(mine), sizeOf(shown)]
  const others = Object.entries(rest).map(([name, value]) => `${name} ${short(value)}`)
  return [
    ...(notes[0] === null || notes[1] === null
      ? []
      : [`kept: two notes that the log signed: one ${notes[0]}, seen before; one ${notes[1]}, shown then; ${WHOLE}`]),
    ...(others.length === 0 ? [] : [`kept: ${others.join(', ')}`]),
  ]
}

/** The second line of a note is the size of the log; null for what is none. */
function sizeOf(note: JsonValue | undefined): string | null {
  const size = typeof note === 'string' ? Number(note.split('\n')[1]) : Number.NaN
  return Number.isSafeInteger(size) ? `of ${size} entries` : null
}

function short(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}
