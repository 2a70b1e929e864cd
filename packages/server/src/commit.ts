import type { Log } from './log/log.ts'
import type { Change, Committed } from './store/changes.ts'
import type { Store } from './store/store.ts'
import type { Wakeups } from './wakeups.ts'

/** Whoever waits for a change listens to one of these: the recipient of a notice, or the id of a resource. */
function topicsOf(change: Change): readonly string[] {
  switch (change.kind) {
    case 'insert-notice':
      return [change.row.recipient]
    case 'insert-delivery':
    case 'replace-delivery':
      return [change.row.dl, change.row.tr]
    case 'insert-enrolment':
    case 'replace-enrolment':
      return [change.row.id]
    default:
      return []
  }
}

/**
 * The one way in which the server writes: durable first, then the log shows its leaves, then whoever waits is woken.
 * @throws {KeyferryError} as `Store.commit`
 */
export function committing(
  store: Store,
  log: Pick<Log, 'appended'>,
  wakeups: Pick<Wakeups, 'signal'>,
): (changes: readonly Change[]) => Promise<Committed> {
  return async (changes) => {
    const committed = await store.commit(changes)
    const leaves = changes.filter((change) => change.kind === 'append-leaf')
    log.appended(leaves.map((leaf, i) => ({ index: committed.leafIndexes[i] as number, text: leaf.text })))
    for (const topic of new Set(changes.flatMap(topicsOf))) wakeups.signal(topic)
    return committed
  }
}
