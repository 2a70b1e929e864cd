import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { OpenDevice } from '@keyferry/device'
import type { KeyferryError } from '@keyferry/protocol'
import { Command } from 'commander'
import { hintForDetails } from '../console/detail-hints.ts'
import { EXIT, exitCodeFor } from '../console/exit-codes.ts'
import { withExamples } from '../console/help.ts'
import { withDevice } from '../device/open.ts'
import { does, type Invocation } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options {
  readonly once?: boolean
  readonly install?: boolean
  readonly uninstall?: boolean
  readonly saveTo?: string
}

export function agentCommand(system: System): Command {
  const command = new Command('agent')
    .summary('do the part of this device in transfers')
    .description(
      'Does what this device has to do: wraps keys that you send, takes in keys that come, asks you where it must (`keyferry pending`). Runs until Ctrl-C and may be stopped at any time.',
    )
    .option('--once', 'do what there is to do now, and end')
    .option('--save-to <folder>', 'put each key that comes into a file of this folder')
    .option('--install', 'run it always: writes and starts a service of your systemd')
    .option('--uninstall', 'end that service and remove it')
  withExamples(command, [
    ['keyferry agent', ''],
    ['keyferry agent --once', 'from cron, or to look now'],
    ['keyferry agent --install', 'from now on, also after a restart'],
  ])
  return does<Options>(command, system, 'stopped', async (call, options) => {
    const { install, uninstall } = await import('../service/install-service.ts')
    if (options.install === true) return install(call)
    if (options.uninstall === true) return uninstall(call)
    const { becomeSingleAgent } = await import('@keyferry/device')
    return withDevice(call, async (open) => {
      const end = becomeSingleAgent(open.folder)
      try {
        return await runAgent(call, open, options)
      } finally {
        end()
      }
    })
  })
}

async function runAgent(call: Invocation, open: OpenDevice, { once, saveTo }: Options): Promise<number> {
  const { agent } = await import('@keyferry/device')
  const { agentParts } = await import('../device/agent-parts.ts')
  const { keepUp, requireGrownLog, upkeep, watchLog } = await import('../device/upkeep.ts')
  const { tellEvent } = await import('../views/agent-event.ts')
  const { eventPlace } = await import('../device/event-place.ts')
  const { output, system } = call
  let exit: number = EXIT.done
  if (saveTo !== undefined) mkdirSync(saveTo, { recursive: true, mode: 0o700 })
  const places = { folder: saveTo === undefined ? null : resolve(saveTo) }
  const parts = agentParts(open, places, (event) => {
    if (event.kind === 'connected' && !output.json) output.say(connectedLine(open))
    tellEvent(eventPlace(call, open), event)
    if (event.kind === 'refused') exit = exitCodeFor(event.reason)
  })
  const running = agent(parts)
  const problem = ({ code, message, details }: KeyferryError): void => {
    exit = exitCodeFor(code)
    tellEvent(eventPlace(call, open), { kind: 'problem', dl: null, code, why: message })
    const hint = hintForDetails(details)
    if (hint !== null && !output.json) output.more(`hint: ${hint}`)
  }
  if (once === true) {
    await requireGrownLog(open)
    await upkeep(open, problem)
    await running.once()
  } else {
    await together(system.interruption(), [
      (signal) => keepUp(open, signal, problem),
      (signal) => watchLog(open, signal, problem),
      (signal) => running.run(signal),
    ])
  }
  // A service that ran for a month is not said to have failed because of one delivery.
  return once === true ? exit : EXIT.done
}

/** Where one ends or fails the others end too, before what they work with is closed. */
async function together(
  interruption: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([interruption, ended.signal])
  const ends = await Promise.allSettled(tasks.map((task) => task(signal).finally(() => ended.abort())))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

function connectedLine({ store, client }: Pick<OpenDevice, 'store' | 'client'>): string {
  const own = store.identity.find()
  return `${own?.label} (${own?.username}) at ${new URL(client.origin).host}   connected`
}
