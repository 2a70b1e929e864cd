/** The states of a delivery (PROTOCOL 5), in the order of a good one, then the other ends. */
export const DELIVERY_STATES = [
  'requested',
  'admitted',
  'deposited',
  'released',
  'collected',
  'completed',
  'refused',
  'failed',
  'cancelled',
  'expired',
  'withdrawn',
] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

const TERMINAL: ReadonlySet<DeliveryState> = new Set<DeliveryState>([
  'completed',
  'refused',
  'failed',
  'cancelled',
  'expired',
  'withdrawn',
])
const WITH_WRAPPED_KEY: ReadonlySet<DeliveryState> = new Set<DeliveryState>(['deposited', 'released', 'collected'])

/** Whether an attempt has ended; only a retry leads out of it, as another attempt. */
export function isTerminal(state: DeliveryState): boolean {
  return TERMINAL.has(state)
}

/** Whether the server holds the wrapped key in this state (* in PROTOCOL 5). Whoever enters another one erases it. */
export function holdsWrappedKey(state: DeliveryState): boolean {
  return WITH_WRAPPED_KEY.has(state)
}

/** Who refused: a decision of the server (section 6), or one of the devices. */
export const REFUSAL_STAGES = ['ac1', 'ac2', 'source', 'target'] as const
export type RefusalStage = (typeof REFUSAL_STAGES)[number]

/** What a delivery waits for. */
export const WAITS = ['source-proof', 'target-proof', 'approval', 'order', 'code'] as const
export type Wait = (typeof WAITS)[number]

export type TransferState = 'open' | 'completed' | 'partial' | 'closed'

/** A transfer is open while a delivery is not terminal, then says how many of them completed: all, some or none. */
export function transferState(deliveries: readonly { readonly state: DeliveryState }[]): TransferState {
  if (!deliveries.every(({ state }) => isTerminal(state))) return 'open'
  const completed = deliveries.filter(({ state }) => state === 'completed').length
  if (completed === 0) return 'closed'
  return completed === deliveries.length ? 'completed' : 'partial'
}
