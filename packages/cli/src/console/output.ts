import { clean, cleanJson } from './clean.ts'
import { type Paint, paintFor } from './paint.ts'

/** The two streams of a command, and how the answer is wanted. */
export interface Output {
  readonly json: boolean
  readonly verbose: boolean
  readonly paint: Paint
  /**
   * The answer of a command: `value` as one line of JSON with `--json`, else the lines. One call for each item of a list.
   * Here as below each text is one line: what would begin another or move the cursor is shown, not done.
   */
  answer(value: object, lines: readonly string[]): void
  /** Octets of the answer as they are, whatever `--json` says. */
  octets(octets: Uint8Array): void
  /** A list without items: nothing on stdout, a word on stderr. */
  none(text: string): void
  /** A message to whoever sits there; further lines are indented. */
  say(text: string): void
  /** A further line of what was said. */
  more(text: string): void
  /** Said with `--verbose` only. */
  detail(text: string): void
}

export interface Streams {
  readonly stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>
  readonly stderr: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>
  readonly env: Readonly<Record<string, string | undefined>>
}

export function output(streams: Streams, { json, verbose }: { json: boolean; verbose: boolean }): Output {
  const { stdout, stderr, env } = streams
  const aside = (text: string): void => void stderr.write(`${clean(text)}\n`)
  return {
    json,
    verbose,
    paint: paintFor(stdout.isTTY === true && !json, env),
    answer(value, lines) {
      if (json) stdout.write(`${cleanJson(JSON.stringify(value))}\n`)
      else for (const line of lines) stdout.write(`${clean(line)}\n`)
    },
    octets: (octets) => void stdout.write(octets),
    none: (text) => json || aside(`keyferry: ${text}`),
    say: (text) => aside(`keyferry: ${text}`),
    more: (text) => aside(`  ${text}`),
    detail: (text) => verbose && aside(`  ${text}`),
  }
}
