import { KeyferryError } from '../errors.ts'

/** Looks up a field by its lower-case name; several lines come joined by `, ` (RFC 9110, Section 5.3). */
export type HeaderReader = (name: string) => string | undefined
/** Fields of a message: a look-up, or an object with lower-case names. */
export type HeaderFields = HeaderReader | Readonly<Record<string, string | undefined>>

export function readerOf(fields: HeaderFields): HeaderReader {
  return typeof fields === 'function' ? fields : (name) => fields[name]
}

const CLEAN = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/
const VISIBLE = /^[!-~]+$/

/**
 * A field value as it enters a signature base (RFC 9421, Section 2.1): trimmed, ASCII, on one line. Anything else could be
 * read as another line of the base.
 * @returns null if it cannot.
 */
export function fieldValue(value: string): string | null {
  if (CLEAN.test(value)) return value
  const trimmed = trimWhere(value, isSpaceOrTab)
  return CLEAN.test(trimmed) ? trimmed : null
}

function isSpaceOrTab(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Cuts characters off both ends, in time proportional to the length: a pattern for the end would try from every space. */
export function trimWhere(text: string, cut: (code: number) => boolean): string {
  let start = 0
  let end = text.length
  while (start < end && cut(text.charCodeAt(start))) start++
  while (end > start && cut(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Method and target of a request are visible ASCII without space; `@target-uri` is the configured origin and the path. */
export function checkRequestLine(method: string, targetUri: string): void {
  if (!VISIBLE.test(method) || !VISIBLE.test(targetUri)) {
    throw new KeyferryError('malformed', 'method or target cannot be signed')
  }
}
