import { type DeviceSetPayload, KeyferryError, parseVkey, type Statement, type Trust } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { readyToSign, signNextSet } from './next-set.ts'

/**
 * Says in the next set whom all devices of the user trust from then on, this one too (PROTOCOL 2.2). The human has compared ids and vkeys
 * with a copy that did not come through the server.
 * @throws {KeyferryError} `malformed` for a vkey that is no witness's, or a quorum that cannot be reached; as `readyToSign` and `signNextSet`
 */
export async function changeTrust(open: OpenDevice, change: Partial<Trust>): Promise<Statement<DeviceSetPayload>> {
  await readyToSign(open)
  const trust = { ...open.store.seen.state().trust, ...change }
  requireReachable(trust)
  return signNextSet(open, () => ({ trust }))
}

/** @throws {KeyferryError} `malformed` */
export function requireReachable({ witnesses, quorum }: Pick<Trust, 'witnesses' | 'quorum'>): void {
  const keys = witnesses.map((text) => parseVkey(text))
  if (keys.some(({ use }) => use === 'log')) throw new KeyferryError('malformed', 'not the key of a witness')
  // One key under two names is one witness.
  const count = new Set(keys.map(({ jwk }) => JSON.stringify(jwk))).size
  if (quorum > count) throw new KeyferryError('malformed', 'the quorum is larger than the number of witnesses')
}
