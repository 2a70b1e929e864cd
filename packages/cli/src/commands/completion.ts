import { Argument, Command } from 'commander'
import { withExamples } from '../console/help.ts'
import { does } from '../invocation.ts'
import type { System } from '../system.ts'

/** `keyferry completion SHELL` prints a script; that script calls the hidden `keyferry complete -- …` at each TAB. */
export function completionCommand(system: System): Command {
  const command = new Command('completion')
    .summary('print a script that completes commands in your shell')
    .description('Prints a script for your shell, which then completes commands, options and names at TAB.')
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish', 'powershell']))
  withExamples(command, [
    ['source <(keyferry completion bash)', 'for this session'],
    ['keyferry completion fish > ~/.config/fish/completions/keyferry.fish', 'for good'],
  ])
  return does(command, system, 'nothing printed', async (_call, _options, shell) => {
    if (shell === 'bash') {
      const { BASH_SCRIPT } = await import('../completion/bash.ts')
      system.stdout.write(BASH_SCRIPT)
      return
    }
    const { script } = await import('@bomb.sh/tab')
    script(shell as 'zsh' | 'fish' | 'powershell', 'keyferry', 'keyferry')
  })
}

interface CompleteOptions {
  readonly literal?: boolean
}

export function completeCommand(root: Command, system: System): Command {
  const command = new Command('complete')
    .description('Lists what may stand at the end of a line.')
    .option('--literal', 'names with any characters too: the script quotes them')
    .argument('[words...]')
  return does<CompleteOptions>(
    command,
    system,
    'nothing listed',
    async ({ output, profile }, { literal }, ...words) => {
      const { namesKnown } = await import('../completion/names.ts')
      const { candidateLines, candidates } = await import('../completion/candidates.ts')
      const lines = candidateLines(await candidates(root, words, (kind) => namesKnown(profile, kind), literal === true))
      output.octets(Buffer.from(`${lines.join('\n')}\n`))
    },
  )
}
