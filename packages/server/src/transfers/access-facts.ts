import { type Exposure, orderStatement } from '@keyferry/protocol'
import type { AccessCall, AccessParty } from '../access/access-call.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, DeviceRow, Requester } from '../store/rows.ts'
import { liveGrantOf } from './grants.ts'
import { commonOptions, type Exposures, exposuresOf } from './options.ts'
import type { Parties } from './parties.ts'

export type Action = 'admit' | 'release' | 'collect'
export const STAGE = { admit: 'ac1', release: 'ac2', collect: 'ac2' } as const

/** The call of PROTOCOL 6 about one delivery. `proof` null: the party whose proof counts has not made a fresh one. */
export async function accessCallFor(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  action: Action,
  proof: Proof | null,
): Promise<AccessCall> {
  const [best, copies, isGrantee] = await Promise.all([
    optionOf(context, delivery, parties),
    context.read.copiesOf(delivery.keyId),
    askedByGrantee(context, delivery),
  ])
  const party = action === 'admit' ? 'source' : 'target'
  return {
    subject: subjectOf(delivery.requester, delivery.requester.user === delivery.targetUser, isGrantee),
    action: { name: `keyferry.${action}` },
    resource: {
      type: 'key',
      id: delivery.keyId,
      properties: { class: delivery.key.class, generation: delivery.key.generation },
    },
    context: {
      stage: STAGE[action],
      delivery: delivery.dl,
      attempt: delivery.attempt,
      ...(delivery.purpose === null ? {} : { purpose: delivery.purpose }),
      ...(delivery.username === null ? {} : { username: delivery.username }),
      mechanism: delivery.mechanism,
      ...(best === null ? {} : { alg: best.alg }),
      now: context.clock.now(),
      source: deviceFacts(parties.source, best?.exposures.source),
      target: deviceFacts(parties.target, best?.exposures.target),
      ...(proof === null ? {} : { proof: { party, method: proof.method, at: proof.at, code: false } }),
      orderBy: delivery.orderBy,
      approvals: delivery.approvals
        .filter((entry) => entry.stage === STAGE[action])
        .map(({ by, decision, at }) => ({ by, decision, at })),
      copies,
    },
  }
}

interface ChosenOption {
  readonly alg: string
  readonly exposures: Exposures
}

/** The best option, until an order fixes one. */
async function optionOf(context: ServerContext, delivery: DeliveryRow, parties: Parties): Promise<ChosenOption | null> {
  const [source, target] = await Promise.all([
    context.statements.device(parties.source.statementRef),
    context.statements.device(parties.target.statementRef),
  ])
  if (delivery.orderRef !== null) {
    const order = (await context.statements.read(orderStatement, delivery.orderRef)).payload
    return { alg: order.alg, exposures: exposuresOf(source.payload, target.payload, order) }
  }
  const facts = { suites: context.suites, owner: delivery.owner, now: context.clock.now() }
  const [best] = commonOptions(source.payload, target.payload, facts)
  return best === undefined ? null : { alg: best.option.alg, exposures: best.exposures }
}

/** An application asks under a live grant for the key. E1 checked it; it may have ended since. */
async function askedByGrantee(context: ServerContext, { requester, keyId, owner, key }: DeliveryRow): Promise<boolean> {
  if (requester.type !== 'application') return false
  return (await liveGrantOf(context, { id: keyId, owner, class: key.class }, requester.id)) !== null
}

/** The requester as policy sees it. */
export function subjectOf(requester: Requester, forItself: boolean, isGrantee: boolean): AccessCall['subject'] {
  return {
    type: requester.type,
    id: requester.id as AccessCall['subject']['id'],
    properties: {
      ...(requester.user === null ? {} : { user: requester.user }),
      ...(isGrantee ? { grantee: true as const } : {}),
      ...(forItself ? { forItself: true as const } : {}),
    },
  }
}

export function deviceFacts(device: DeviceRow, exposure: Exposure = 'software'): AccessParty {
  return {
    device: device.id,
    user: device.user,
    kind: device.kind,
    exposure,
    attested: false,
    suspended: device.suspended !== null,
  }
}
