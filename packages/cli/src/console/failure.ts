import { CliError } from './cli-error.ts'
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts'
import { CLOCK_HINT, hintFor } from './hints.ts'

/** A failure as a person is told: what did not happen, why (with the code), what to do now. */
export interface Failure {
  readonly notDone: string
  readonly code: string
  readonly why: string
  readonly more: string | null
  readonly hint: string | null
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
    return { notDone, code, why, more, hint: hint ?? hintFor(code), exit: exitCodeFor(code) }
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

function coded(error: CodedError, notDone: string): Failure {
  const { code } = error
  const detail = error.details?.check ?? error.details?.reason
  return {
    notDone,
    code: detail === undefined ? code : `${code}: ${detail}`,
    why: error.syscall === undefined ? error.message : systemWords(error),
    more: null,
    hint: error.hint ?? (error.details?.skewSeconds === undefined ? hintFor(code) : CLOCK_HINT),
    exit: exitCodeFor(code),
  }
}

function unreachable(error: Error, notDone: string): Failure {
  const code = 'unreachable'
  return {
    notDone,
    code,
    why: `the server gave no answer: ${error.message}`,
    more: null,
    hint: hintFor(code),
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

const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'not allowed',
  EADDRINUSE: 'the address is in use',
  EEXIST: 'it exists already',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'not permitted',
  EROFS: 'the disk is read-only',
}

function systemWords(error: CodedError & { path?: unknown }): string {
  const words = SYSTEM[error.code] ?? `the system answered ${error.code}`
  return typeof error.path === 'string' ? `${error.path}: ${words}` : words
}

/** At most three lines; the first is complete in itself. */
export function failureLines({ notDone, why, code, more, hint }: Failure): readonly string[] {
  return [
    `keyferry: ${notDone}: ${why} (${code})`,
    ...(more === null ? [] : [`  ${more}`]),
    ...(hint === null ? [] : [`  hint: ${hint}`]),
  ]
}
