import { CliError } from './cli-error.ts'
import { hintForDetails } from './detail-hints.ts'
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts'
import { hintFor, hintForExit } from './hints.ts'
import type { Output } from './output.ts'
import { isOfUnknownCa, UNKNOWN_CA_HINT } from './unknown-ca.ts'

/** A failure as a person is told: what did not happen, why (with the code), what to do now. */
export interface Failure {
  readonly notDone: string
  readonly code: string
  readonly why: string
  readonly more: string | null
  readonly hint: string
  readonly exit: ExitCode
}

/** An error to which a command adds what it alone knows: names, numbers, the command to type next. */
export class Explained extends Error {
  override readonly name = 'Explained'
  readonly more: string | null
  readonly hint: string | null
  constructor(cause: unknown, told: { more?: string; hint?: string }) {
    super('explained', { cause })
    this.more = told.more ?? null
    this.hint = told.hint ?? null
  }
}

/** @param notDone - what did not happen, as `not sent`. */
export function failureOf(error: unknown, notDone: string): Failure {
  if (error instanceof Explained) {
    const failure = failureOf(error.cause, notDone)
    return { ...failure, more: error.more ?? failure.more, hint: error.hint ?? failure.hint }
  }
  if (error instanceof CliError) {
    const { code, message: why, more, hint } = error
    return { notDone, code, why, more, ...next(code, hint) }
  }
  if (!(error instanceof Error)) return unforeseen(notDone)
  if (error.name === 'UnreachableError') return unreachable(error, notDone)
  if (isCoded(error)) return coded(error, notDone)
  return unforeseen(notDone)
}

/** The errors of the protocol, the device and the server all have a `code` that is API and a message without secrets. */
interface CodedError extends Error {
  readonly code: string
  readonly hint?: string | null
  readonly details?: Readonly<Record<string, string | number>>
  readonly syscall?: string
}
const OURS: ReadonlySet<string> = new Set(['KeyferryError', 'DeviceError', 'SetupError'])

function isCoded(error: Error): error is CodedError {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && (OURS.has(error.name) || 'syscall' in error)
}

/** What to do now, and how the process ends: an error without advice leaves people alone. */
function next(code: string, hint: string | null | undefined): Pick<Failure, 'hint' | 'exit'> {
  const exit = exitCodeFor(code)
  return { hint: hint ?? hintFor(code) ?? hintForExit(exit), exit }
}

function coded(error: CodedError, notDone: string): Failure {
  if (error.syscall !== undefined) return ofSystem(error, notDone)
  const { code } = error
  const detail = error.details?.check ?? error.details?.reason
  return {
    notDone,
    code: detail === undefined ? code : `${code}: ${detail}`,
    why: error.message,
    more: null,
    ...next(code, error.hint ?? hintForDetails(error.details)),
  }
}

function unreachable(error: Error, notDone: string): Failure {
  const code = 'unreachable'
  return {
    notDone,
    code,
    why: `the server gave no answer: ${error.message}`,
    more: null,
    hint: isOfUnknownCa(error) ? UNKNOWN_CA_HINT : (hintFor(code) ?? hintForExit(EXIT.notReachable)),
    exit: EXIT.notReachable,
  }
}

function unforeseen(notDone: string): Failure {
  const hint = 'run it again with --verbose and report what it prints'
  return {
    notDone,
    code: 'unforeseen',
    why: 'this program met something that it does not know',
    more: null,
    hint,
    exit: EXIT.failed,
  }
}

/** What the system calls its errors is no word for people: a slug of ours, and what it says. */
const SYSTEM: Readonly<Record<string, readonly [code: string, words: string]>> = {
  EACCES: ['permission-denied', 'the system does not let you'],
  EADDRINUSE: ['address-in-use', 'the address is in use'],
  EEXIST: ['file-exists', 'it exists already'],
  EISDIR: ['is-a-folder', 'it is a folder'],
  ENOENT: ['file-absent', 'there is no such file or folder'],
  ENOSPC: ['disk-full', 'the disk is full'],
  ENOTDIR: ['no-folder', 'a part of the path is no folder'],
  EPERM: ['permission-denied', 'the system does not let you'],
  EROFS: ['disk-read-only', 'the disk is read-only'],
}

function ofSystem(error: CodedError & { path?: unknown }, notDone: string): Failure {
  const [code, words] = SYSTEM[error.code] ?? ['system-error', `the system answered ${error.code}`]
  const why = typeof error.path === 'string' ? `${error.path}: ${words}` : words
  return { notDone, code, why, more: null, ...next(code, null) }
}

/** Three lines, or two where one says it all; the first is complete in itself. */
export function failureLines({ notDone, why, code, more, hint }: Failure): readonly string[] {
  return [`keyferry: ${notDone}: ${why} (${code})`, ...(more === null ? [] : [`  ${more}`]), `  hint: ${hint}`]
}

export function sayFailure(output: Pick<Output, 'say' | 'more'>, failure: Failure): void {
  const [first = '', ...rest] = failureLines(failure)
  output.say(first.replace(/^keyferry: /, ''))
  for (const line of rest) output.more(line.trimStart())
}
