import { type DeviceSetPayload, KeyferryError } from '@keyferry/protocol'

/**
 * A quorum that the witnesses named cannot reach stops every device of the user (PROTOCOL 11: `checkpoint-stale`, for ever), and with
 * them the set that would mend it. A vkey that is not read here counts as a witness: devices may know its kind.
 * @throws {KeyferryError} `set-invalid`
 */
export function requireReachableQuorum({ trust }: Pick<DeviceSetPayload, 'trust'>): void {
  if (trust === undefined || trust.quorum <= new Set(trust.witnesses).size) return
  throw new KeyferryError('set-invalid', 'the quorum is larger than the number of witnesses')
}
