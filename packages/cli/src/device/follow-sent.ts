import { type AgentEvent, agent, type OpenDevice, showTransfer, type TransferShown } from '@keyferry/device'
import { type DeliveryId, type ErrorCode, KeyferryError } from '@keyferry/protocol'
import { columns } from '../console/columns.ts'
import { EXIT, type ExitCode, exitCodeFor } from '../console/exit-codes.ts'
import { Explained, failureOf, sayFailure } from '../console/failure.ts'
import { hintForTransfer } from '../console/hints.ts'
import { shortId } from '../console/ids.ts'
import { until } from '../console/times.ts'
import type { Invocation } from '../invocation.ts'
import { tellSent } from '../views/sent.ts'
import { devicesAwaited, route, transferRow } from '../views/transfer.ts'
import { agentParts } from './agent-parts.ts'
import { eventPlace } from './event-place.ts'
import { lastSeenOf } from './own-devices.ts'
import { waitForEnd } from './wait-for-end.ts'
import { whyNotArrived } from './why-not-arrived.ts'
import { withoutReceipt } from './without-receipt.ts'

/**
 * After E1: the source is this device, and it is online, so its part is done at once. Then the other side is waited for.
 * @param seconds - how long at most; 0: the command ends with the deposit, and what kept it from that is its failure.
 * @returns the exit code: 0 only if the key is deposited, or there where it should be.
 * @throws {Explained} why nothing was deposited
 */
export async function followSent(
  call: Invocation,
  open: OpenDevice,
  transfer: TransferShown,
  seconds: number,
): Promise<number> {
  const { output } = call
  const shown = { open, now: open.now(), paint: output.paint }
  output.say(`${route(shown, transfer)}   ${shortId(transfer.tr)}   ${until(transfer.deadline, open.now())}`)
  output.detail(
    `E1, E2   ${shortId(transfer.tr)}: asked, first decision: ${transfer.deliveries.map(({ state }) => state).join(', ')}`,
  )
  await doOwnPart(call, open, transfer, seconds > 0)
  const end = seconds === 0 ? await showTransfer(open, transfer.tr) : await waitForEnd(call, open, transfer.tr, seconds)
  const last = end?.transfer ?? transfer
  const lastSeen = await lastSeenOf(open, devicesAwaited(last))
  output.answer(last, columns([transferRow({ ...shown, now: open.now(), lastSeen }, last)]))
  if (last.state !== 'open') return ended(call, open, last)
  if (seconds > 0) return Number.isFinite(seconds) ? EXIT.stillWaiting : EXIT.done
  if (last.deliveries.every((delivery) => isDeposited(open, delivery))) return EXIT.done
  output.more('Nothing is deposited for some of it yet; `keyferry agent` goes on with it.')
  return EXIT.stillWaiting
}

/** With `--json` the transfer itself is the answer, and says more than an error would: what failed goes to stderr alone. */
async function ended({ output }: Invocation, open: OpenDevice, transfer: TransferShown): Promise<ExitCode> {
  const unproven = await withoutReceipt(open, transfer)
  const why = unproven ?? whyNotArrived(open, transfer)
  if (why === null) return EXIT.done
  const some = transfer.deliveries.some(({ state }) => state === 'completed')
  const failure = failureOf(why, unproven !== null ? 'not proven' : some ? 'not sent to all' : 'not sent')
  sayFailure(output, failure)
  return failure.exit
}

/** What a pass of the agent makes of these deliveries. What keeps one from being deposited is the end of the command. */
async function doOwnPart(
  call: Invocation,
  open: OpenDevice,
  { deliveries }: TransferShown,
  waits: boolean,
): Promise<void> {
  const own = new Set<string>(deliveries.map(({ dl }) => dl))
  const stops = new Map<string, Stop>()
  const tell = (event: AgentEvent): void => tellSent(eventPlace(call, open), event)
  const report = (event: AgentEvent): void => {
    if (!('dl' in event) || event.dl === null || !own.has(event.dl)) return
    if (event.kind === 'deposited') stops.delete(event.dl)
    if (isStop(event, waits)) stops.set(event.dl, event)
    else tell(event)
  }
  await agent(agentParts(open, { folder: null }, report)).once()
  const [first, ...others] = [...stops.values()]
  for (const event of others) tell(event)
  if (first !== undefined) throw notDeposited(first)
}

type Stop = Extract<AgentEvent, { kind: 'refused' | 'later' | 'problem' }>

/** Who waits leaves what is not yet possible to the agent; and one that runs beside this command may have been first. */
function isStop(event: AgentEvent, waits: boolean): event is Stop {
  if (event.kind === 'later') return !waits && event.reason !== 'state-conflict'
  return event.kind === 'refused' || (!waits && event.kind === 'problem')
}

function notDeposited(event: Stop): Explained {
  const code = event.kind === 'problem' ? event.code : event.reason
  const more =
    event.kind === 'refused'
      ? 'Nothing was deposited for it.'
      : 'Nothing is deposited yet. It is asked for all the same: `keyferry agent` tries again.'
  const hint = hintForTransfer(code, exitCodeFor(code))
  return new Explained(new KeyferryError(code as ErrorCode, event.why), hint === null ? { more } : { more, hint })
}

/** Only with an envelope that this device made: that there is one is not for the server to say. */
function isDeposited({ store }: OpenDevice, { dl, attempt, state }: TransferShown['deliveries'][number]): boolean {
  if (state === 'requested' || state === 'admitted') return false
  return store.envelopes.find(dl as DeliveryId, attempt) !== null
}
