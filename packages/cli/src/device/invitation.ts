import { hostname } from 'node:os'
import { KeyferryError } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'
import { Explained } from '../console/failure.ts'
import { hintFor } from '../console/hints.ts'
import { isOfUnknownCa } from '../console/unknown-ca.ts'
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

/** The first string in what comes: whatever is said around it may stay there, and the other end may still be open. */
async function readStandardInput(stdin: NodeJS.ReadStream): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (/keyferry:\?[A-Za-z0-9%&=?._~-]+[^A-Za-z0-9%&=?._~-]/.test(text) || text.length > MAX_OCTETS) break
  }
  const string = /keyferry:\?[A-Za-z0-9%&=?._~-]+/.exec(text)?.[0]
  if (string !== undefined) return string
  throw new CliError('wrong-use', 'there is no invitation in what was given', {
    hint: 'it begins with keyferry:? and goes in by standard input, or is pasted when asked',
  })
}

export function notFor(right: string): CliError {
  return new CliError('wrong-use', 'this string is for the other command', { hint: `${right} takes it` })
}

/** To the server a used, an expired and a wrong code are one and the same. Nothing that needs a device helps: there is none yet. */
export function explainInvitation(error: unknown): never {
  if (!(error instanceof Error)) throw error
  if (error.name === 'UnreachableError') {
    const hint = isOfUnknownCa(error)
      ? 'give its CA, a copy of tls/ca.pem from its data folder: --tls-ca FILE'
      : hintFor('unreachable', 'newcomer')
    throw new Explained(error, hint === null ? {} : { hint })
  }
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'not-found') {
    throw new Explained(error, {
      more: 'The string was used before, or its ten minutes are over.',
      hint: 'ask for a new one where it came from',
    })
  }
  if (code === 'declined' || code === 'mac-invalid') {
    throw new Explained(error, {
      more: 'The other device says why; it does not go on either if the string was mistyped here.',
      hint: 'nothing was kept; begin anew there, and copy the string whole: keyferry device add',
    })
  }
  const aboutTime = error instanceof KeyferryError && error.details?.skewSeconds !== undefined
  const hint = error instanceof KeyferryError && !aboutTime ? hintFor(code, 'newcomer') : null
  throw hint === null ? error : new Explained(error, { hint })
}

/** What ends a pairing at the device that shows the string. */
export function explainPairing(error: unknown): never {
  if (!(error instanceof KeyferryError)) throw error
  const again = 'nothing was added; begin anew, and copy the string whole: keyferry device add'
  if (error.code === 'mac-invalid') {
    throw new Explained(error, {
      more: 'The string was mistyped there, or somebody else answered it.',
      hint: again,
    })
  }
  if (error.code === 'not-found')
    throw new Explained(error, { hint: 'nothing was added; begin anew: keyferry device add' })
  throw error.code === 'declined' ? new Explained(error, { hint: again }) : error
}

/** What a device is called if nobody says otherwise. */
export function shortHostName(): string {
  return hostname().split('.')[0] || 'device'
}
