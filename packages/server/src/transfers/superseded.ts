import { holdsWrappedKey } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { lapse } from './lapse.ts'
import { step } from './step.ts'

/**
 * Once a newer generation of a key is deposited for a target and its `validFrom` has come, older deliveries that were not yet
 * collected are withdrawn (PROTOCOL 10). Asked at deposit, release and receipt of the newer one.
 */
export async function supersededChanges(context: ServerContext, newer: DeliveryRow): Promise<readonly Change[]> {
  if (!isInForce(context, newer)) return []
  const siblings = await context.read.sameKeySameTarget(newer.keyId, newer.target)
  return siblings
    .filter((older) => older.key.generation < newer.key.generation && older.state !== 'collected')
    .flatMap((older) => {
      const { delivery, changes } = lapse(context, older)
      return delivery === older ? step(context, older, 'withdraw', { reason: 'superseded' }).changes : changes
    })
}

/** The same, seen from the older one, whose turn may come first after a `validFrom` that lay ahead. */
export async function isSuperseded(context: ServerContext, older: DeliveryRow): Promise<boolean> {
  if (older.state === 'collected') return false
  const siblings = await context.read.sameKeySameTarget(older.keyId, older.target)
  return siblings.some(
    (newer) => newer.key.generation > older.key.generation && holdsWrappedKey(newer.state) && isInForce(context, newer),
  )
}

/** Until a newer generation is in force, lower ones that are on their way are released first (row 8 of PROTOCOL 5). */
export async function waitsForOlder(context: ServerContext, newer: DeliveryRow): Promise<boolean> {
  if (isInForce(context, newer)) return false
  const siblings = await context.read.sameKeySameTarget(newer.keyId, newer.target)
  return siblings.some(
    (older) =>
      older.key.generation < newer.key.generation && (older.state === 'deposited' || older.state === 'released'),
  )
}

function isInForce(context: ServerContext, { key }: DeliveryRow): boolean {
  return (key.validFrom ?? 0) <= context.clock.now()
}
