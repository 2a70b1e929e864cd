import { type Command, Help, type Option } from 'commander'

/** What is typed, and what it does. */
export type Example = readonly [typed: string, meaning: string]

const EXAMPLES = new WeakMap<Command, readonly Example[]>()

export function withExamples(command: Command, examples: readonly Example[]): Command {
  EXAMPLES.set(command, examples)
  return command
}

/** Help as people read it: what it is, examples, and only then the grammar. */
export function formatHelp(command: Command, help: Help): string {
  const examples = exampleLines(EXAMPLES.get(command) ?? [])
  const grammar = Help.prototype.formatHelp.call(
    help,
    command,
    Object.assign(Object.create(help), { commandDescription: () => '' }),
  )
  return [
    help.boxWrap(help.commandDescription(command), help.helpWidth ?? 80),
    '',
    ...(examples.length === 0 ? [] : ['Examples:', ...examples, '']),
    grammar,
  ].join('\n')
}

/** The version is asked of the program, not of each command. */
export function visibleGlobalOptions(this: Help, command: Command): Option[] {
  return Help.prototype.visibleGlobalOptions.call(this, command).filter(({ long }) => long !== '--version')
}

/** What a command can be told to do: names of the commands below it. */
export function visibleNames(command: Command): readonly string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((sub) => sub.name())
}

function exampleLines(examples: readonly Example[]): readonly string[] {
  const widest = Math.max(0, ...examples.map(([typed]) => typed.length))
  return examples.map(([typed, meaning]) => `  ${typed.padEnd(widest)}  ${meaning}`.trimEnd())
}
