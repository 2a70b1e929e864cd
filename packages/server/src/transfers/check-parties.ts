import { findOffer, KeyferryError, type OrderPayload, offerTakes, orderTakesOption } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { commonOptions } from './options.ts'
import { deviceFault, type Parties } from './parties.ts'

/**
 * D4 of PROTOCOL 9.2: suite and key of the order are one of the current options; source and target are in their newest sets, neither
 * revoked nor suspended.
 * @throws {KeyferryError} `alg-not-allowed`, `transport-key-unknown`, `transport-key-foreign`, `device-revoked`, `device-suspended`
 */
export async function checkParties(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  order: OrderPayload,
): Promise<void> {
  const fault = await deviceFault(context, parties)
  if (fault !== null) throw new KeyferryError(fault, 'a device of this delivery is not in use')
  const [source, target] = await Promise.all([
    context.statements.device(parties.source.statementRef),
    context.statements.device(parties.target.statementRef),
  ])
  const facts = { suites: context.suites, owner: delivery.owner, now: context.clock.now() }
  const options = commonOptions(source.payload, target.payload, facts).map(({ option }) => option)
  if (orderTakesOption(order, options)) return
  const offer = order.kid === undefined ? null : findOffer(target.payload, order.kid)
  if (offer?.alg === order.alg && !offerTakes(offer, target.payload.user, delivery.owner)) {
    throw new KeyferryError('transport-key-foreign', 'this transport key takes the keys of another owner')
  }
  if (options.every(({ alg }) => alg !== order.alg)) {
    throw new KeyferryError('alg-not-allowed', 'this suite is none that source and target have in common')
  }
  throw new KeyferryError('transport-key-unknown', 'this transport key is none of the target’s current ones')
}
