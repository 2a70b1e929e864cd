import { checkSuccessor, type DeviceSetPayload, handoverRefs, KeyferryError, type Statement } from '@keyferry/protocol'

/** Where the sets of a user stand: the newest one that counts, and the hand-over set that waits for its successor. */
export interface SetChain {
  readonly current: Statement<DeviceSetPayload>
  readonly pending: Statement<DeviceSetPayload> | null
}

/**
 * The next set goes on exactly where the last one ended: `seq` + 1, `prev` its ref, the same root or the one that a hand-over
 * names, and all the hand-overs so far (PROTOCOL 2.2). Whoever saw the last set accepts it, and whoever saw none can follow.
 * @throws {KeyferryError} `set-rollback`
 */
export function requireSuccession({ current, pending }: SetChain, set: Statement<DeviceSetPayload>): void {
  checkSuccessor(set, pending ?? current)
  if (set.payload.next !== undefined) return
  const expected = [...handoverRefs(current), ...(pending === null ? [] : [pending.ref])]
  const carried = handoverRefs(set)
  if (carried.length !== expected.length || carried.some((ref, i) => ref !== expected[i])) {
    throw new KeyferryError('set-rollback', 'the set does not carry the hand-over sets before it')
  }
}
