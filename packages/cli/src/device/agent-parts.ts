import type { AgentEvent, AgentParts, OpenDevice } from '@keyferry/device'
import { filedBefore, type InstallPlaces, installPath, saveKey } from './install-rules.ts'
import { labelToTake, relabelled, rename } from './key-label.ts'

/** An opened device as an agent works with it: where keys go that come, and what is told of it. */
export function agentParts(open: OpenDevice, places: InstallPlaces, report: (event: AgentEvent) => void): AgentParts {
  const { store, device, client, now, random } = open
  const labels = new Map<string, string>()
  return {
    store,
    device,
    client,
    now,
    random,
    report: (event) => report(relabelled(event, labels)),
    install: {
      async place(_key, record) {
        const path = installPath(open, record, places)
        const known = path?.replace === true ? null : filedBefore(open, record, places)
        const label = await labelToTake(open, record)
        labels.set(record.label, label)
        // The name changes last, and with it is said where the key went: what is repeated after a crash finds the same file.
        let file: string | null = null
        try {
          if (path !== null) file = known ?? saveKey(open, { ...record, label }, path)
        } finally {
          rename(open, record, { label, file })
        }
        return file
      },
    },
  }
}
