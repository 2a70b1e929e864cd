import type { AgentEvent, TransferShown } from '@keyferry/device'
import type { EventPlace } from './agent-event.ts'
import { tellEvent } from './agent-event.ts'
import { route, type Shown } from './transfer.ts'

export function sentLine(shown: Shown, transfer: TransferShown): string {
  return route(
    shown,
    transfer.key,
    transfer.deliveries.map(({ target }) => target),
  )
}

/** What happens to a transfer that was just started here, under its first line. */
export function tellSent(place: EventPlace, event: AgentEvent): void {
  const { output } = place
  if (event.kind === 'wrapped') output.more(`wrapped      ${event.alg}, for ${event.to} alone, signed by this device`)
  else if (event.kind === 'deposited')
    output.more(`deposited    ${event.state === 'deposited' ? 'waits for the other side' : event.state}`)
  else if (event.kind !== 'connected') tellEvent(place, event)
}
