import { KeyferryError } from '@keyferry/protocol'
import type { OwnStatement } from '../store/own-statements.ts'
import { putStatement, type SentParts } from './send-statements.ts'

const TYPES: readonly OwnStatement['typ'][] = ['kf-device+jwt', 'kf-device-set+jwt']

/**
 * Sends again, in order, what this device signed and the server had and has no more: it was restored from a backup (PROTOCOL 10).
 * Others who saw it would refuse anything older.
 * @throws {KeyferryError} `statement-invalid` if it cannot stand any more: a set that admits a device which the server lost, too
 */
export async function sendLost(open: SentParts): Promise<void> {
  for (const typ of TYPES) {
    for (const { ref, text } of await lost(open, typ)) await putStatement(open.client, ref, text)
  }
}

/** Looks back to the newest that is still there. Where none is, another user's server answers, or a liar: nothing is to be sent. */
async function lost({ store, client }: SentParts, typ: OwnStatement['typ']): Promise<readonly OwnStatement[]> {
  const unsent = new Set(store.ownStatements.unsent().map(({ ref }) => ref))
  const sent = store.ownStatements.list(typ).filter(({ ref }) => !unsent.has(ref))
  for (let left = sent.length; left > 0; left--) {
    if (await isThere(client, sent[left - 1] as OwnStatement)) return sent.slice(left)
  }
  return []
}

async function isThere(client: SentParts['client'], { ref }: OwnStatement): Promise<boolean> {
  try {
    await client.call({ method: 'GET', path: `/v1/statements/${ref}` })
    return true
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'not-found') return false
    throw error
  }
}
