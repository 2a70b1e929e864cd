import { type DeliveryId, KeyferryError, type TransportKeyInfo, userStatement } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, DeviceRow, UserRow } from '../store/rows.ts'
import { isConflict } from './conflict.ts'
import { evaluate } from './decide.ts'
import { findDelivery, requireState } from './find.ts'
import { liveGrantOf } from './grants.ts'
import { commonOptions } from './options.ts'
import { loggedStatements, userStatementOf } from './statements-for.ts'
import { step } from './step.ts'

/**
 * S1/S2: what the source needs to know to wrap (PROTOCOL 7, KtI). AC1 is asked again first.
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `access-denied`, `malformed`, `unavailable`
 */
export async function transportKeyInfo(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  since: number,
): Promise<TransportKeyInfo> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.source && !as.orderBy) throw new KeyferryError('not-found', 'no such delivery')
  requireState(delivery, 'admitted')
  await askAgain(context, caller, delivery)
  const { source, target, sourceUser, targetUser } = await partiesOf(context, delivery)
  const userRef = await userStatementOf(context, delivery.targetUser)
  const grant =
    delivery.orderBy === 'source'
      ? null
      : await liveGrantOf(
          context,
          { id: delivery.keyId, owner: delivery.owner, class: delivery.key.class },
          delivery.orderBy,
        )
  const [from, to, order, username] = await Promise.all([
    context.statements.device(source.statementRef),
    context.statements.device(target.statementRef),
    delivery.orderRef === null ? null : context.read.statement(delivery.orderRef),
    userRef === null ? null : context.statements.read(userStatement, userRef),
  ])
  const options = commonOptions(from.payload, to.payload, {
    suites: context.suites,
    owner: delivery.owner,
    now: context.clock.now(),
  })
  const refs = [sourceUser.setRef, targetUser.setRef, source.statementRef, target.statementRef]
  if (userRef !== null) refs.push(userRef)
  if (grant !== null) refs.push(grant.ref)
  const logged = await loggedStatements(context, refs, [], since)
  return {
    v: 1,
    origin: context.origin,
    tr: delivery.tr,
    dl: delivery.dl,
    attempt: delivery.attempt,
    deadline: delivery.deadline,
    key: delivery.key,
    ...(delivery.container === null ? {} : { container: delivery.container }),
    ...(delivery.username === null ? {} : { username: delivery.username }),
    source: { device: source.id, set: sourceUser.setRef, statement: source.statementRef },
    target: {
      device: target.id,
      user: target.user,
      ...(username === null ? {} : { username: username.payload.username }),
      set: targetUser.setRef,
      statement: target.statementRef,
    },
    mechanism: delivery.mechanism,
    options: options.map(({ option }) => option),
    minExposure: delivery.minExposure,
    redelivery: delivery.redelivery,
    ...(delivery.nonce === null ? {} : { nonce: delivery.nonce }),
    ...(order === null ? {} : { order: order.text }),
    maxBytes: context.limits.envelopeBytes,
    ...logged,
  } as TransportKeyInfo
}

/**
 * Row 4: a denial now refuses; no decision, or conditions, is 503. A permit that only repeats the first leaves no second record.
 * Where somebody else orders, his own request stands for the proof of a source that may be offline.
 */
async function askAgain(context: ServerContext, caller: Caller, delivery: DeliveryRow): Promise<void> {
  const now = context.clock.now()
  const own: Proof = { method: caller.type === 'device' ? caller.method : 'device-signature', at: now }
  const decision = await evaluate(context, delivery, 'admit', context.proofs.fresh(delivery.source, now) ?? own)
  if (decision?.outcome === 'permit') return
  if (decision?.outcome === 'deny') {
    const denied = step(context, delivery, 'refuse', { stage: 'ac1', reason: decision.reason })
    try {
      await context.commit([...denied.changes, ...decision.changes])
    } catch (error) {
      if (!isConflict(error)) throw error
    }
    throw new KeyferryError('access-denied', 'this transfer is no longer permitted', {
      stage: 'ac1',
      reason: decision.reason,
    })
  }
  throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
}

export interface Parties {
  readonly source: DeviceRow
  readonly target: DeviceRow
  readonly sourceUser: UserRow
  readonly targetUser: UserRow
}

/** The rows that a delivery names; all exist as long as it is not terminal. */
export async function partiesOf(context: ServerContext, delivery: DeliveryRow): Promise<Parties> {
  const [source, target, sourceUser, targetUser] = await Promise.all([
    context.read.device(delivery.source),
    context.read.device(delivery.target),
    context.read.user(delivery.owner),
    context.read.user(delivery.targetUser),
  ])
  if (source === null || target === null || sourceUser === null || targetUser === null) {
    throw new KeyferryError('unavailable', 'a party of the delivery is gone', { retryAfter: 60 })
  }
  return { source, target, sourceUser, targetUser }
}
