import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { quoted } from '../../console/quoted.ts'
import { serverFolder, shortPath } from '../../folders.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly data?: string
  readonly yes?: boolean
}

/** PROTOCOL 10, "Restored server": the operator's half; the other is `keyferry trust log`. */
export function logNewCommand(system: System): Command {
  const command = new Command('new')
    .summary('go on after a restored backup (on the server)')
    .description(
      'Begins a new log under a new key on the data of a server that stands still, and lets it take writes again. For a server that was restored from a backup: devices do not believe the older log, and rightly. What is in the data stays; what came after the backup is lost. No device goes on before its user accepts the new key.',
    )
    .option('--data <folder>', 'data folder of the server (KEYFERRY_DATA)')
    .option('--yes', 'do not ask')
  withExamples(command, [
    ['keyferry log new', 'with the server stopped'],
    ["keyferry trust log 'keys.example/log+3c1a…+AWVz…'", 'then each user, on the device that holds the root key'],
  ])
  return does<Options>(command, system, 'no new log', async ({ output, prompts }, { data, yes }) => {
    const { startNewLog } = await import('@keyferry/server')
    const folder = serverFolder(data, system.env, system.home)
    const question = `A new log for ${shortPath(folder, system.home)}? All users have to accept it, and the old one ends for good.`
    if (yes !== true && !(await prompts.confirm(question, '--yes'))) throw new CliError('answered-no', 'you said no')
    const { origin, logKey } = await startNewLog(folder)
    output.answer({ origin, logKey }, [logKey])
    output.say('start the server again; give this key to your users by a way that they trust. Each one, once:')
    output.more(`keyferry trust log ${quoted(logKey)}`)
  })
}
