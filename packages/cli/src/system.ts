import { homedir } from 'node:os'
import type { Streams } from './console/output.ts'

/** What a command gets from the world beside its arguments: a test gives another one. */
export interface System extends Streams {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly home: string
  /** Seconds since 1970. */
  now(): number
  /** Aborts at the first SIGINT or SIGTERM; the second one ends the process at once. Only for commands that tidy up. */
  interruption(): AbortSignal
}

export function thisSystem(): System {
  const { stdin, stdout, stderr, env } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads only the beginning of a list has what he wanted.
    if (error.code === 'EPIPE') process.exit(0)
    stderr.write(`keyferry: what was to be printed is lost: ${error.code ?? error.message} (output-failed)\n`)
    process.exit(1)
  })
  return { stdin, stdout, stderr, env, home: homedir(), now: () => Math.floor(Date.now() / 1000), interruption }
}

/** A terminal and the launcher may both send what a human pressed once. */
const ONE_PRESS_MILLISECONDS = 300

function interruption(): AbortSignal {
  const controller = new AbortController()
  let first = 0
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        first = performance.now()
        controller.abort()
      } else if (performance.now() - first > ONE_PRESS_MILLISECONDS) process.exit(code)
    })
  }
  return controller.signal
}
