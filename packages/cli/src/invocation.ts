import type { Command } from 'commander'
import { type Output, output } from './console/output.ts'
import { type Prompts, prompts } from './console/prompts.ts'
import { profileFolder } from './folders.ts'
import { withoutMarks } from './hyphened-ids.ts'
import type { System } from './system.ts'

/** Options that every command takes, before or behind its name. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly verbose?: boolean
  readonly profile?: string
  readonly passphraseFile?: string
}

/** What one call of the command works with. */
export interface Invocation {
  readonly system: System
  readonly output: Output
  readonly prompts: Prompts
  /** Folder of this device. */
  readonly profile: string
  readonly passphraseFile: string | null
}

export function invocation(system: System, options: GlobalOptions): Invocation {
  const file = options.passphraseFile ?? system.env.KEYFERRY_PASSPHRASE_FILE
  return {
    system,
    output: output(system, { json: options.json === true, verbose: options.verbose === true }),
    prompts: prompts(system),
    profile: profileFolder(options.profile, system.env, system.home),
    passphraseFile: file === undefined || file === '' ? null : file,
  }
}

/** An error together with what it kept from happening. */
export class Undone extends Error {
  override readonly name = 'Undone'
  readonly notDone: string
  constructor(notDone: string, cause: unknown) {
    super(notDone, { cause })
    this.notDone = notDone
  }
}

/**
 * Gives a command its work.
 * @param notDone - what did not happen if it fails, as `not sent`: the first words of the error.
 * @param work - resolves to the exit code if it is another than 0.
 */
export function does<Options extends object>(
  command: Command,
  system: System,
  notDone: string | ((options: Options) => string),
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end with nothing to say but that they ended
  work: (call: Invocation, options: Options, ...values: string[]) => Promise<number | void>,
): Command {
  return command.action(async (...given: unknown[]) => {
    // Commander hands over the arguments, then the options, then the command.
    const values = withoutMarks(given.slice(0, -2).flat() as string[])
    const options = withoutMarks(command.optsWithGlobals<Options & GlobalOptions>())
    try {
      const code = await work(invocation(system, options), options, ...values)
      if (typeof code === 'number') process.exitCode = code
    } catch (error) {
      throw new Undone(typeof notDone === 'string' ? notDone : notDone(options), error)
    }
  })
}
