import { KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'

/**
 * Whose inbox a caller reads: devices and applications have one (PROTOCOL 12).
 * @throws {KeyferryError} `access-denied`
 */
export function recipientOf(caller: Caller): string {
  if (caller.type === 'device') return caller.device.id
  if (caller.type === 'application') return caller.application.id
  throw new KeyferryError('access-denied', 'only devices and applications have an inbox', { reason: 'no-inbox' })
}
