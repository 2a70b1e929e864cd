import type { DeliveryShown, OpenDevice, TransferShown } from '@keyferry/device'
import type { TransferId } from '@keyferry/protocol'
import { columns } from '../console/columns.ts'
import { shortId } from '../console/ids.ts'
import type { Paint } from '../console/paint.ts'
import { quoted } from '../console/quoted.ts'
import { ago, clock, span, until } from '../console/times.ts'
import { deviceNames, nameOfDevice } from '../device/device-names.ts'

/** What the words of the server mean to people; two of them are about a device. */
const WAITS: Readonly<Record<string, string>> = {
  approval: 'somebody to approve it',
  order: 'the order of another device',
  code: 'a one-time code',
}

export interface Shown {
  readonly open: Pick<OpenDevice, 'folder' | 'store'>
  readonly now: number
  readonly paint: Paint
  /** When the server saw devices of one's own, by id; null: never. Nothing is said of others. */
  readonly lastSeen?: ReadonlyMap<string, number | null>
}

/** What a key is called here; the beginning of its id if nobody gave it a name. */
export function keyLabel({ store }: Pick<OpenDevice, 'store'>, id: string): string {
  return store.keys.find(id as never)?.label ?? shortId(id)
}

function painted({ paint }: Shown, state: string): string {
  if (state === 'completed') return paint.good(state)
  return ['refused', 'failed', 'withdrawn', 'expired'].includes(state) ? paint.bad(state) : state
}

/** `ssh laptop -> phone`: as its human named the targets, if it was started here. */
export function route(
  { open }: Shown,
  { tr, key, deliveries }: Pick<TransferShown, 'tr' | 'key' | 'deliveries'>,
): string {
  const named = open.store.started.find(tr)?.targets ?? []
  const people = named.flatMap(({ username }) => (username === null ? [] : [quoted(username)]))
  const devices = named.flatMap(({ device }) => (device === undefined ? [] : [nameOfDevice(open, device)]))
  const names = named.length > 0 ? [...people, ...devices] : deliveries.map(({ target }) => nameOfDevice(open, target))
  const shown = names.length > 3 ? `${names.length} targets` : names.join(', ')
  return `${keyLabel(open, key)} -> ${shown === '' ? 'nobody yet' : shown}`
}

export function transferRow(shown: Shown, transfer: TransferShown): readonly string[] {
  const { tr, deliveries, state } = transfer
  const newest = Math.max(0, ...deliveries.map(({ changedAt }) => changedAt))
  const one = deliveries.length === 1 ? deliveries[0] : undefined
  return [
    shortId(tr),
    route(shown, transfer),
    painted(shown, one?.state ?? state),
    newest === 0 ? '' : ago(newest, shown.now),
    one === undefined ? '' : waitText(shown, one),
  ]
}

/** Whom an open delivery waits for when no condition is left, and for what. */
const TURNS: Readonly<Record<string, readonly [party: 'source' | 'target', what: string]>> = {
  admitted: ['source', 'to wrap it'],
  released: ['target', 'to take it in'],
  collected: ['target', 'to sign that it has it'],
}

type Waiting = Pick<DeliveryShown, 'tr' | 'state' | 'waitingFor' | 'source' | 'target'>

/** `waits for phone to come online, last seen 3 h ago`; empty if nothing is waited for. */
export function waitText(shown: Pick<Shown, 'open' | 'now' | 'lastSeen'>, delivery: Waiting): string {
  const [party, what] = TURNS[delivery.state] ?? []
  const waits = delivery.waitingFor.map((word) => conditionText(shown, delivery, word))
  if (waits.length === 0 && party !== undefined) waits.push(partyText(shown, delivery, party, what ?? ''))
  return waits.length === 0 ? '' : `waits for ${waits.join(' and ')}`
}

function conditionText(shown: Pick<Shown, 'open' | 'now' | 'lastSeen'>, delivery: Waiting, word: string): string {
  if (word === 'source-proof') return partyText(shown, delivery, 'source', 'to come online')
  if (word === 'target-proof') return partyText(shown, delivery, 'target', 'to come online')
  return WAITS[word] ?? word
}

function partyText(
  { open, now, lastSeen }: Pick<Shown, 'open' | 'now' | 'lastSeen'>,
  delivery: Waiting,
  party: 'source' | 'target',
  what: string,
): string {
  const { source } = delivery
  const name = party === 'source' ? (deviceNames(open).get(source) ?? 'the source') : targetName(open, delivery)
  const at = lastSeen?.get(delivery[party]) ?? null
  return `${name} ${what}${at === null ? '' : `, last seen ${ago(at, now)}`}`
}

/** The devices that somebody may want to know the last sight of. */
export function devicesAwaited(transfer: Pick<TransferShown, 'deliveries'> | undefined): readonly string[] {
  return (transfer?.deliveries ?? []).flatMap(({ source, target, state, waitingFor }) => {
    const [party] = TURNS[state] ?? []
    return [
      ...(waitingFor.includes('source-proof') || party === 'source' ? [source] : []),
      ...(waitingFor.includes('target-proof') || party === 'target' ? [target] : []),
    ]
  })
}

/** What the human calls the target of a delivery: a device of one's own, or the person whom it was sent to. */
export function targetName(open: Shown['open'], { tr, target }: Pick<DeliveryShown, 'tr' | 'target'>): string {
  return deviceNames(open).get(target) ?? onlyPerson(open, tr) ?? 'the target'
}

/** Whose devices they all are, if it was started here for one person. */
function onlyPerson({ store }: Shown['open'], tr: string): string | null {
  const [first, ...more] = store.started.find(tr as TransferId)?.targets ?? []
  if (more.length > 0 || first === undefined || first.username === null) return null
  return quoted(first.username)
}

/** Decision records as the server gave them (PROTOCOL 6). */
export type DecisionShown = Readonly<Record<string, unknown>>

export function transferLines(
  shown: Shown,
  transfer: TransferShown,
  decisions: ReadonlyMap<string, readonly DecisionShown[]>,
): readonly string[] {
  const { now } = shown
  const { tr, deliveries } = transfer
  // Each delivery has its own, another one once it was tried again; the transfer's is what was first asked for.
  const deadline = deliveries.length === 0 ? transfer.deadline : Math.max(...deliveries.map((each) => each.deadline))
  const head = `${route(shown, transfer)}   ${transfer.state}   ${until(deadline, now)}   ${shortId(tr)}`
  return [head, ...deliveries.flatMap((delivery) => deliveryLines(shown, delivery, decisions.get(delivery.dl) ?? []))]
}

function deliveryLines(shown: Shown, delivery: DeliveryShown, decisions: readonly DecisionShown[]): readonly string[] {
  const { now, open } = shown
  const { state, stage, reason, changedAt, attempt, target, dl } = delivery
  const waits = waitText(shown, delivery)
  // What was cancelled was cancelled for no reason but that.
  const because = [stage, reason].filter((word) => word !== undefined && word !== state).join(': ')
  const ended = because === '' ? '' : ` (${because})`
  const rows = [
    ...decisions.map((record, i) => {
      const again = decisions.slice(0, i).some((earlier) => releases(earlier) && earlier.attempt === record.attempt)
      return [clock(Number(record.at)), 'server', decisionText(record, again)]
    }),
    [
      clock(changedAt),
      state === 'completed' ? nameOfDevice(open, target) : 'now',
      `${painted(shown, state)}${ended}, ${span(now - changedAt)}`,
    ],
    ...(waits === '' ? [] : [['', '', waits]]),
  ]
  return [
    `  ${shortId(dl)} ${nameOfDevice(open, target)}${attempt > 1 ? `   attempt ${attempt}` : ''}`,
    ...columns(rows, '    '),
  ]
}

function releases({ stage, decision }: DecisionShown): boolean {
  return stage === 'ac2' && decision === 'permit'
}

/** @param again - the second decision, asked once more when the target comes for it (PROTOCOL 6). */
function decisionText(record: DecisionShown, again: boolean): string {
  const words: Readonly<Record<string, string>> = { permit: 'permitted', deny: 'denied', wait: 'not yet decided' }
  const stage = record.stage === 'ac1' ? 'first decision' : again ? 'at collection' : 'second decision'
  return `${stage}: ${words[String(record.decision)] ?? String(record.decision)}   ${String(record.reason)}`
}
