import { CliError } from '../console/cli-error.ts'
import type { Invocation } from '../invocation.ts'

const MAX_OCTETS = 65_536

/**
 * The string by which a device joins: the argument, what comes by standard input, or what is pasted. It works once and for minutes; on a
 * machine that others use, prefer standard input, since arguments can be seen there.
 */
export async function readInvitation({ system, prompts }: Invocation, argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== '-') return argument.trim()
  if (argument === '-' || system.stdin.isTTY !== true) return readStandardInput(system.stdin)
  return (await prompts.text('Paste the string that the other side shows', 'the string as argument')).trim()
}

async function readStandardInput(stdin: NodeJS.ReadStream): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > MAX_OCTETS) break
  }
  // Whatever was said around it may stay there: the output of `keyferry user invite` as it is.
  const string = /keyferry:\?[!-~]+/.exec(text)?.[0]
  if (string === undefined) {
    throw new CliError('wrong-use', 'there is no invitation in what was given', {
      hint: 'as argument, or by standard input',
    })
  }
  return string
}

export function notFor(right: string): CliError {
  return new CliError('wrong-use', 'this string is for the other command', { hint: `${right} takes it` })
}
