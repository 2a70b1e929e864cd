import { cleanText } from './clean.ts'
import { CliError } from './cli-error.ts'

/** Questions, asked on a terminal only: a script gets an error that names the flag to give instead. */
export interface Prompts {
  readonly onTerminal: boolean
  /**
   * @param instead - the flag that answers it, as `--yes`.
   * @throws {CliError} `terminal-needed`, `answered-no` (also for Ctrl-C at the question)
   */
  confirm(question: string, instead: string, initially?: boolean): Promise<boolean>
  /** Not shown while typed. */
  secret(question: string, instead: string): Promise<string>
  text(question: string, instead: string): Promise<string>
}

interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stderr: NodeJS.WriteStream
}

export function prompts({ stdin, stderr }: Terminal): Prompts {
  const onTerminal = stdin.isTTY === true && stderr.isTTY === true
  const common = { input: stdin, output: stderr, withGuide: false }

  function needTerminal(question: string, instead: string): void {
    if (onTerminal) return
    throw new CliError('terminal-needed', 'a question needs a terminal, and there is none', {
      more: `The question: ${question}`,
      hint: `answer it beforehand with ${instead}`,
    })
  }

  function answered<T extends string | boolean | undefined>(answer: T | symbol): T {
    if (typeof answer === 'symbol') throw new CliError('answered-no', 'you stopped at a question')
    return answer
  }

  // Loaded where a question is asked: most calls ask none.
  return {
    onTerminal,
    async confirm(question, instead, initially = false) {
      needTerminal(question, instead)
      const { confirm } = await import('@clack/prompts')
      return answered<boolean>(await confirm({ message: cleanText(question), initialValue: initially, ...common }))
    },
    async secret(question, instead) {
      needTerminal(question, instead)
      const { password } = await import('@clack/prompts')
      // An empty answer is undefined there.
      return answered<string | undefined>(await password({ message: cleanText(question), ...common })) ?? ''
    },
    async text(question, instead) {
      needTerminal(question, instead)
      const { text } = await import('@clack/prompts')
      return answered<string | undefined>(await text({ message: cleanText(question), ...common })) ?? ''
    },
  }
}
