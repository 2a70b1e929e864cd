import type { Kill, Who } from './kill-world.ts'
import type { Moment } from './watched-proxy.ts'

/** A request of a transfer: by which device, in words of PROTOCOL 15, and the how manieth of its name. */
export type Step = readonly [device: Who, request: string, nth: number]

const DL = '/v1/deliveries/{dl}'
export const E1: Step = ['laptop', 'POST /v1/transfers', 1]
export const E1_AGAIN: Step = ['laptop', 'POST /v1/transfers', 2]
export const S1: Step = ['laptop', `GET ${DL}/transport-key-info`, 1]
export const E5: Step = ['laptop', `PUT ${DL}/envelopes/1`, 1]
export const T1: Step = ['phone', `GET ${DL}/key-transfer-info`, 1]
export const E8: Step = ['phone', `POST ${DL}/collections`, 1]
/** Between the transaction that takes the key in and the receipt: what the key is called. */
export const LABEL: Step = ['phone', 'GET /v1/keys/{key}', 1]
export const E10: Step = ['phone', `PUT ${DL}/receipts/1`, 1]
export const RECEIPT: Step = ['laptop', `GET ${DL}/receipts/1`, 1]

/** What `keyferry send` asks, from E1 to its end. */
export const STEPS_OF_SEND: readonly Step[] = [
  E1,
  ['laptop', 'GET /v1/deliveries?role=source', 1],
  S1,
  E5,
  ['laptop', 'GET /v1/deliveries?role=target', 1],
  ['laptop', 'POST /v1/inbox/poll', 1],
  ['laptop', 'GET /v1/notices/{nt}', 1],
  ['laptop', `GET ${DL}/transport-key-info`, 2],
  ['laptop', 'POST /v1/inbox/poll', 2],
  ['laptop', 'GET /v1/deliveries?role=source', 2],
  ['laptop', 'GET /v1/deliveries?role=target', 2],
  ['laptop', 'GET /v1/transfers/{tr}', 1],
]

/** What the agents ask where `keyferry send` died with the answer to E1. */
export const STEPS_OF_AGENTS: readonly Step[] = [
  E1_AGAIN,
  ...STEPS_OF_SEND.slice(1, -1),
  ['laptop', 'GET /v1/inbox/stream', 1],
  ['phone', 'GET /v1/deliveries?role=source', 1],
  ['phone', 'GET /v1/deliveries?role=target', 1],
  ['phone', `GET ${DL}`, 1],
  T1,
  E8,
  ['phone', 'GET /v1/log/consistency', 1],
  LABEL,
  E10,
  ['phone', 'POST /v1/inbox/poll', 1],
  ['phone', 'GET /v1/deliveries?role=source', 2],
  ['phone', 'GET /v1/deliveries?role=target', 2],
  ['phone', 'GET /v1/inbox/stream', 1],
  ['laptop', 'GET /v1/notices/{nt}', 2],
  ['laptop', `GET ${DL}`, 1],
  RECEIPT,
  ['laptop', 'POST /v1/inbox/poll', 3],
]

const WAYS: readonly (readonly [Kill['victim'], Moment, string])[] = [
  ['server', 'arrived', 'server before it gets'],
  ['server', 'done', 'server before its answer leaves to'],
  ['device', 'done', 'device while it waits for the answer to'],
  ['device', 'answered', 'device with the answer to'],
]

export interface KillCase {
  readonly name: string
  readonly sender: 'send' | 'agent'
  readonly kill: Kill
}

/** Each step in each way. */
export function killsOf(
  sender: KillCase['sender'],
  steps: readonly Step[],
  victim: Kill['victim'],
  moments: readonly Moment[] = ['arrived', 'done', 'answered'],
): readonly KillCase[] {
  const ways = WAYS.filter(([whom, moment]) => whom === victim && moments.includes(moment))
  return steps.flatMap(([device, request, nth]) =>
    ways.map(([, moment, words]) => ({
      name: `${words} ${request} (${nth}, of ${device}, by ${sender})`,
      sender,
      kill: { victim, moment, device, request, nth },
    })),
  )
}
