import { InvalidArgumentError } from 'commander'
import { parseSpan } from './times.ts'

/** Parsers of option values; commander turns what they throw into wrong use. */
export function spanArgument(text: string): number {
  const seconds = parseSpan(text)
  if (seconds === null) throw new InvalidArgumentError('Write a number and s, m, h or d: 90s, 10m, 2h, 7d.')
  return seconds
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
