import { KeyferryError } from '@keyferry/protocol'
import type { Change, Committed } from './store/changes.ts'
import { META } from './store/meta.ts'

type Commit = (changes: readonly Change[]) => Promise<Committed>

/** Lets writes be stopped for good (PROTOCOL 10): an operator starts a new log. */
export interface ReadOnlySwitch {
  readonly commit: Commit
  /** Keeps the note that shows the misfit, as the last thing that is written. */
  goReadOnly(note: string): Promise<void>
}

export function readOnlySwitch(commit: Commit, isReadOnly: boolean): ReadOnlySwitch {
  let stopped = isReadOnly
  return {
    async commit(changes) {
      if (stopped)
        throw new KeyferryError('read-only', 'the log of this server does not fit what it has signed', {
          retryAfter: 3600,
        })
      return commit(changes)
    },
    async goReadOnly(note) {
      if (stopped) return
      stopped = true
      await commit([{ kind: 'put-meta', name: META.misfitNote, value: note }])
    },
  }
}
