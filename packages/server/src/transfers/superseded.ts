import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { step } from './step.ts'

/**
 * Once a newer generation of a key is deposited for a target and its `validFrom` has come, older deliveries that were not yet
 * collected are withdrawn (PROTOCOL 10). Asked at deposit, and again at the receipt if `validFrom` lay ahead then.
 */
export async function supersededChanges(context: ServerContext, newer: DeliveryRow): Promise<readonly Change[]> {
  if ((newer.key.validFrom ?? 0) > context.clock.now()) return []
  const siblings = await context.read.sameKeySameTarget(newer.keyId, newer.target)
  return siblings
    .filter((older) => older.key.generation < newer.key.generation && older.state !== 'collected')
    .flatMap((older) => step(context, older, 'withdraw', { reason: 'superseded' }).changes)
}
