import type { AgentEvent } from '@keyferry/device'
import type { EventPlace } from './agent-event.ts'
import { tellEvent, tellStep } from './agent-event.ts'

/** What happens to a transfer that was just started here, under its first line. */
export function tellSent(place: EventPlace, event: AgentEvent): void {
  const { output } = place
  const own = event.kind === 'wrapped' || event.kind === 'deposited'
  if (own) tellStep(output, event)
  if (event.kind === 'wrapped')
    output.more(
      `wrapped      ${event.alg}, for ${place.deviceName(event.target)} (${event.to}) alone, signed by this device`,
    )
  else if (event.kind === 'deposited')
    output.more(`deposited    ${event.state === 'deposited' ? 'waits for the other side' : event.state}`)
  else if (event.kind !== 'connected') tellEvent(place, event)
}
