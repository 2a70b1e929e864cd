import type { AgentEvent } from '@keyferry/device'
import { type DeliveryState, type DeviceId, isTerminal } from '@keyferry/protocol'
import { hintFor, hintForDelivery } from '../console/hints.ts'
import { shortId } from '../console/ids.ts'
import type { Output } from '../console/output.ts'
import { clock } from '../console/times.ts'
import { shortPath } from '../folders.ts'

/** Steps of the protocol in what the agent reports, for `--verbose`. */
const STEPS: Readonly<Partial<Record<AgentEvent['kind'], string>>> = {
  wrapped: 'E3, S1-S3, E4',
  deposited: 'E5',
  installed: 'E7, T1-T3, E8, E9, E10',
  receipted: 'E10',
}

export interface EventPlace {
  readonly output: Output
  readonly now: number
  /** Home folder: paths in it are shown short. */
  readonly home: string
  /** What this human calls a device, or its fingerprint. */
  readonly deviceName: (device: DeviceId) => string
}

/** Tells of an event: what was done on stdout, what needs attention on stderr. */
export function tellEvent(place: EventPlace, event: AgentEvent): void {
  const { output, now } = place
  tellStep(output, event)
  const done = doneLine(event, place)
  if (output.json || done !== null) {
    output.answer({ at: now, ...event }, [`${clock(now)} ${done}`])
    return
  }
  const [first, ...rest] = asideLines(event)
  if (first === undefined) return
  output.say(first)
  for (const line of rest) output.more(line)
}

/** Which steps of the protocol lie behind it, with `--verbose`. */
export function tellStep(output: Output, event: AgentEvent): void {
  const step = STEPS[event.kind]
  if (step !== undefined && 'dl' in event && event.dl !== null) output.detail(`${step}   ${shortId(event.dl)}`)
}

function doneLine(event: AgentEvent, { home, deviceName }: EventPlace): string | null {
  switch (event.kind) {
    case 'wrapped':
      return `${event.label}   wrapped for ${deviceName(event.target)} (${event.to}) with ${event.alg}`
    case 'deposited':
      return `${shortId(event.dl)}   deposited at the server: ${event.state}`
    case 'installed':
      return `${event.label}   from ${event.source === null ? event.from : `${deviceName(event.source)} (${event.from})`}   ${event.where === 'key store' ? 'in the key store' : `installed as ${shortPath(event.where, home)}`}`
    case 'receipted':
      return `${shortId(event.dl)}   receipt signed: ${event.outcome}`
    case 'finished':
      return `${shortId(event.dl)}   ${endedText(event)}`
    default:
      return null
  }
}

/** The part of this device can be over while the other side's is not. */
function endedText({ state, reason }: Pick<Extract<AgentEvent, { kind: 'finished' }>, 'state' | 'reason'>): string {
  if (!isTerminal(state as DeliveryState)) return `${state}: this device has nothing more to do for it`
  return `ended: ${state}${reason === null || reason === state ? '' : ` (${reason})`}`
}

function asideLines(event: AgentEvent): readonly string[] {
  switch (event.kind) {
    case 'unreachable':
      return event.code === undefined
        ? [`the server gives no answer: ${event.why}; again in ${event.againInSeconds} s`]
        : [`${event.why} (${event.code}); again in ${event.againInSeconds} s`]
    case 'asks':
      return [`${event.label} waits for you: keyferry pending`]
    case 'later':
      return [`${shortId(event.dl)} not yet: ${event.why} (${event.reason}); again in ${event.againInSeconds} s`]
    case 'problem':
      return [`${event.dl === null ? 'a problem' : shortId(event.dl)}: ${event.why} (${event.code})`]
    case 'alarm':
      return [`ALARM: ${event.reason} about ${event.subject}`, hint(event.reason)]
    case 'refused':
      return refusedLines(event)
    default:
      return []
  }
}

function refusedLines(event: Extract<AgentEvent, { kind: 'refused' }>): readonly string[] {
  const of = event.label === null ? '' : ` of "${event.label}"`
  const nothing = event.role === 'source' ? 'Nothing was deposited.' : 'Nothing was installed.'
  const delivery = `Delivery ${event.dl}${of}. ${nothing}`
  if (event.byHuman) return ['you refused, and the other side is told', delivery]
  const step = event.role === 'source' ? 'wrap' : 'key that came in'
  return [`STOPPED a ${step}: ${event.why} (${event.reason})`, delivery, hint(event.reason, hintForDelivery)]
}

function hint(code: string, of: (code: string) => string | null = hintFor): string {
  return `hint: ${of(code) ?? 'keyferry doctor'}`
}
