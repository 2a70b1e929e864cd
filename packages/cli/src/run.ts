import { CliError } from './console/cli-error.ts'
import { EXIT, type ExitCode } from './console/exit-codes.ts'
import { type Failure, failureOf, sayFailure } from './console/failure.ts'
import { output } from './console/output.ts'
import { stackOf } from './console/stack.ts'
import { markHyphenedIds, withoutMarks } from './hyphened-ids.ts'
import { Undone } from './invocation.ts'
import { Misuse, program, VERSION_LINE } from './program.ts'
import type { System } from './system.ts'
import { VERSION } from './version.ts'

/** Runs one call and resolves to its exit code, unless the command set one itself (`process.exitCode`). */
export async function run(system: System, argv: readonly string[]): Promise<ExitCode> {
  const root = program(system)
  root.configureOutput({
    writeOut(text) {
      const asked = argv.includes('--json') && text === `${VERSION_LINE}\n`
      system.stdout.write(asked ? `${JSON.stringify({ version: VERSION })}\n` : text)
    },
  })
  try {
    if (argv.length === 0) root.outputHelp()
    else await root.parseAsync(markHyphenedIds(argv), { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof Misuse && error.error.exitCode === 0) return EXIT.done // --help, --version
    const failure = explain(error)
    const out = output(system, { json: argv.includes('--json'), verbose: argv.includes('--verbose') })
    tell(system, failure, out.json)
    if (out.verbose) for (const line of stackOf(error)) out.more(line)
    return failure.exit
  }
}

function explain(error: unknown): Failure {
  if (error instanceof Undone) return failureOf(error.cause, error.notDone)
  if (error instanceof Misuse) return failureOf(misuse(error), 'nothing done')
  return failureOf(error, 'nothing done')
}

/** Where people give what others on this machine must not see. */
const WITHOUT_ARGUMENT: Readonly<Record<string, string>> = {
  'keyferry join':
    'type `keyferry join` alone and paste it when asked: a command line is seen by others on this machine',
}

/** Commander's words without its prefix; its guess what was meant as the hint. */
function misuse({ error, typed, choices }: Misuse): CliError {
  if (error.code === 'commander.help') {
    return new CliError('wrong-use', `\`${typed}\` needs a word more`, { hint: `${typed} ${choices.join(' | ')}` })
  }
  const [why = '', guess] = withoutMarks(error.message)
    .replace(/^error: /, '')
    .split('\n')
  const tooMuch = error.code === 'commander.excessArguments' ? WITHOUT_ARGUMENT[typed] : undefined
  if (tooMuch !== undefined) return new CliError('wrong-use', `\`${typed}\` takes no string`, { hint: tooMuch })
  const meant = /\(Did you mean (.*)\?\)/.exec(guess ?? '')?.[1]
  return new CliError('wrong-use', why.replace(/\.$/, ''), {
    hint: meant === undefined ? `${typed} --help` : `did you mean ${meant}?`,
  })
}

function tell(system: System, failure: Failure, json: boolean): void {
  const { code, why, hint, exit } = failure
  const out = output(system, { json, verbose: false })
  if (json) out.answer({ error: { code, title: why, hint, exit } }, [])
  sayFailure(out, failure)
}
