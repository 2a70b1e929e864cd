import { type DeviceSetPayload, KeyferryError, parseVkey, type Statement, type Trust } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { readyToSign, signNextSet } from './next-set.ts'

/** What a human at the device wants its user's devices to trust; the log is the one that enrolment named. */
export type TrustChange = Omit<Trust, 'log'>

/**
 * Says in the next set whom all devices of the user trust from then on, this one too (PROTOCOL 2.2). The human has compared ids and vkeys
 * with a copy that did not come through the server.
 * @throws {KeyferryError} `malformed` for a vkey that is no witness's, or a quorum that cannot be reached; as `readyToSign` and `signNextSet`
 */
export async function changeTrust(
  open: OpenDevice,
  { cas, witnesses, quorum }: TrustChange,
): Promise<Statement<DeviceSetPayload>> {
  requireReachable({ cas, witnesses, quorum })
  await readyToSign(open)
  const { log } = open.store.seen.state().trust
  return signNextSet(open, () => ({ trust: { cas: [...cas], witnesses: [...witnesses], quorum, log } }))
}

/** @throws {KeyferryError} `malformed` */
export function requireReachable({ witnesses, quorum }: TrustChange): void {
  const keys = witnesses.map((text) => parseVkey(text))
  if (keys.some(({ use }) => use === 'log')) throw new KeyferryError('malformed', 'not the key of a witness')
  // One key under two names is one witness.
  const count = new Set(keys.map(({ jwk }) => JSON.stringify(jwk))).size
  if (quorum > count) throw new KeyferryError('malformed', 'the quorum is larger than the number of witnesses')
}
