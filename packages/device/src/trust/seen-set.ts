import { type DeviceSetPayload, handoverRefs, type Statement, thumbprint } from '@keyferry/protocol'
import type { SeenUser } from './trust-state.ts'

/** What is remembered of a checked set: nothing older counts again. */
export function seenOf(set: Statement<DeviceSetPayload>, before: SeenUser | null): SeenUser {
  const { user, seq, root, trust } = set.payload
  return {
    user,
    seq,
    ref: set.ref,
    handovers: handoverRefs(set),
    root: thumbprint(root),
    hadTrust: before?.hadTrust === true || trust !== undefined,
  }
}
