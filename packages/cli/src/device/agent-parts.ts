import type { AgentEvent, AgentParts, OpenDevice } from '@keyferry/device'
import { type InstallPlaces, installPath, saveKey } from './install-rules.ts'
import { relabelled, takeLabel } from './key-label.ts'

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
        const label = await takeLabel(open, record)
        labels.set(record.label, label)
        return path === null ? null : saveKey(open, { ...record, label }, path)
      },
    },
  }
}
