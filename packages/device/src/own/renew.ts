import type { OpenDevice } from '../open-device.ts'
import { checkNewestLogged } from './logged.ts'
import { renewSet } from './renew-set.ts'
import { renewStatement } from './renew-statement.ts'
import { sendLost } from './send-lost.ts'
import { followServerKeys } from './server-keys.ts'

export interface Renewed {
  readonly statement: boolean
  readonly set: boolean
}

/**
 * Renews what would run out (PROTOCOL 2.1, 2.2, 17): transport key and statement, the set where this device holds the root, the server's
 * keys; sends again what the server lost; forgets replay entries whose time is over; asks whether a revocation is in the log. Call it
 * once a day or oftener; there is mostly nothing to do.
 * @throws {KeyferryError} `set-rollback`, `statement-rollback` (with an alarm), `response-invalid`
 */
export async function renewOwn(open: OpenDevice): Promise<Renewed> {
  await followServerKeys(open)
  await sendLost(open)
  const statement = await renewStatement(open)
  const set = await renewSet(open)
  open.device.destroyTransportKeys(open.now())
  open.store.replay.forget(open.now())
  await checkNewestLogged(open)
  return { statement, set }
}
