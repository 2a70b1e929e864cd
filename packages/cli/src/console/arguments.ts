import { InvalidArgumentError } from 'commander'
import { parseSpan } from './times.ts'

/** As servers of this program name new people (PROTOCOL 1 allows nearly any text): no option, no path, and no two look alike. */
export function isUsualName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._@-]{0,127}$/.test(name)
}

/** Parsers of option values; commander turns what they throw into wrong use. */
export function spanArgument(text: string): number {
  const seconds = parseSpan(text)
  if (seconds === null) throw new InvalidArgumentError('Write a number and s, m, h or d: 90s, 10m, 2h, 7d.')
  return seconds
}

/** PROTOCOL 5: no transfer is open for longer. */
const MAX_DEADLINE_SECONDS = 90 * 86_400

export function deadlineArgument(text: string): number {
  const seconds = spanArgument(text)
  if (seconds < 1 || seconds > MAX_DEADLINE_SECONDS) throw new InvalidArgumentError('A transfer has 1s to 90d.')
  return seconds
}

const ORIGIN = /^https:\/\/(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/

/** PROTOCOL 1, said in words. */
export function originArgument(text: string): string {
  if (ORIGIN.test(text) && !text.endsWith(':443')) return text
  throw new InvalidArgumentError(
    'Write https://HOST, or https://HOST:PORT where it is not 443: in lower case, without path and final slash.',
  )
}

export function countArgument(text: string): number {
  const count = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : null
  if (count === null) throw new InvalidArgumentError('Write a whole number above 0.')
  return count
}

export function portArgument(text: string): number {
  const port = countArgument(text)
  if (port > 65_535) throw new InvalidArgumentError('A port is at most 65535.')
  return port
}
