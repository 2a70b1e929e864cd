import { CommanderError } from 'commander'
import { Undone } from '../invocation.ts'

/** Causes and places, for reports: messages of ours carry no secret, others are left out. One place is one line. */
export function stackOf(error: unknown): readonly string[] {
  const lines: string[] = []
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Undone || cause instanceof CommanderError) continue
    lines.push(`${cause.name}: ${cause.message}`, ...placesOf(cause))
  }
  return lines
}

/** Without the message that the stack repeats: what a server says could look like a place. */
function placesOf({ message, stack = '' }: Error): readonly string[] {
  const begins = stack.indexOf(message)
  return (begins === -1 ? stack : stack.slice(begins + message.length))
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
}
