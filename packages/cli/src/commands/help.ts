import { Command } from 'commander'
import { CliError } from '../console/cli-error.ts'
import { visibleNames } from '../console/help.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

/** `keyferry help user invite` is `keyferry user invite --help`. */
export function helpCommand(root: Command, system: System): Command {
  const command = new Command('help').argument('[command...]').description('print help for a command')
  return does(command, system, 'no help', async (_call, _options, ...words) => {
    let found = root
    for (const word of words) {
      const next = found.commands.find((sub) => sub.name() === word)
      if (next === undefined) {
        const above = ['keyferry', ...words.slice(0, words.indexOf(word))].join(' ')
        throw new CliError('wrong-use', `\`${above}\` has no command "${word}"`, {
          hint: visibleNames(found).length === 0 ? `${above} --help` : `${above} ${visibleNames(found).join(' | ')}`,
        })
      }
      found = next
    }
    found.outputHelp()
  })
}
