import type { AgentEvent, AgentParts, InstallRule, OpenDevice } from '@keyferry/device'

/** An opened device as an agent works with it. */
export function agentParts(open: OpenDevice, install: InstallRule, report: (event: AgentEvent) => void): AgentParts {
  const { store, device, client, now, random } = open
  return { store, device, client, now, random, install, report }
}
