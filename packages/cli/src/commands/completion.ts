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
    const { script } = await import('@bomb.sh/tab')
    if (shell === 'bash') system.stdout.write(WITHOUT_BASH_COMPLETION)
    script(shell as 'bash' | 'zsh' | 'fish' | 'powershell', 'keyferry', 'keyferry')
    // Files where the grammar says so, and only there.
    if (shell === 'bash') system.stdout.write('complete -o default -F __keyferry_complete keyferry\n')
  })
}

/** What the script takes from the package bash-completion, for machines without it. */
const WITHOUT_BASH_COMPLETION = `if ! declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref() {
        words=("\${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=\${COMP_WORDS[COMP_CWORD]}
        prev=\${COMP_WORDS[COMP_CWORD - 1]}
    }
fi
`

export function completeCommand(root: Command, system: System): Command {
  const command = new Command('complete')
    .description('Lists what may stand at the end of a line.')
    .argument('[words...]')
  return does(command, system, 'nothing listed', async ({ output, profile }, _options, ...words) => {
    const { namesKnown } = await import('../completion/names.ts')
    const { candidateLines, candidates } = await import('../completion/candidates.ts')
    const lines = candidateLines(await candidates(root, words, (kind) => namesKnown(profile, kind)))
    output.octets(Buffer.from(`${lines.join('\n')}\n`))
  })
}
