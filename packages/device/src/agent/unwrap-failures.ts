import { KeyferryError, type UserId } from '@keyferry/protocol'
import type { AgentParts } from './parts.ts'

const MOST = 8

/** Alarm about an owner who is not listened to any more: to lift it is to listen again (T9). */
export const UNOPENABLE = 'owner-unopenable'

/**
 * Whoever sends what cannot be opened, time after time, is not listened to until a human acts (T9).
 * @throws {KeyferryError} `declined`, with an alarm
 */
export function requireOpenable({ store, now }: Pick<AgentParts, 'store' | 'now'>, owner: UserId): void {
  const failures = store.unwrapFailures.count(owner)
  if (failures < MOST) return
  store.alarms.raise({ reason: UNOPENABLE, subject: owner, facts: { failures }, at: now() })
  throw new KeyferryError('declined', 'too many keys of this user could not be opened', { reason: UNOPENABLE })
}
