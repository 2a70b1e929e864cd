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

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

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

  /** A signal from elsewhere ends a question as Ctrl-C does, and leaves the terminal as it was. */
  async function answered<T extends string | boolean | undefined>(
    ask: (signal: AbortSignal) => Promise<T | symbol>,
  ): Promise<T> {
    const stopping = new AbortController()
    const stop = (): void => stopping.abort()
    for (const signal of SIGNALS) process.once(signal, stop)
    try {
      const answer = await ask(stopping.signal)
      if (typeof answer !== 'symbol') return answer
    } finally {
      for (const signal of SIGNALS) process.off(signal, stop)
    }
    throw new CliError('answered-no', 'you stopped at a question', {
      hint: 'run it again when you know the answer; nothing was done that waits for it',
    })
  }

  // Loaded where a question is asked: most calls ask none.
  return {
    onTerminal,
    async confirm(question, instead, initially = false) {
      needTerminal(question, instead)
      const { confirm } = await import('@clack/prompts')
      const message = cleanText(question)
      return answered<boolean>((signal) => confirm({ message, initialValue: initially, signal, ...common }))
    },
    async secret(question, instead) {
      needTerminal(question, instead)
      const { password } = await import('@clack/prompts')
      const message = cleanText(question)
      // An empty answer is undefined there.
      return (await answered<string | undefined>((signal) => password({ message, signal, ...common }))) ?? ''
    },
    async text(question, instead) {
      needTerminal(question, instead)
      const { text } = await import('@clack/prompts')
      const message = cleanText(question)
      return (await answered<string | undefined>((signal) => text({ message, signal, ...common }))) ?? ''
    },
  }
}
