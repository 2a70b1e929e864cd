import { KeyferryError } from '@keyferry/protocol'

/**
 * `If-None-Match: *` is `absent`, `If-Match: *` `present`, `If-Match` else the version in the `ETag` of what is to be changed, or one of
 * several (PROTOCOL 4; RFC 9110, Section 13.1).
 */
export interface Precondition {
  readonly expectVersion: 'absent' | 'present' | number | readonly number[]
}

/** A thing that has an `ETag`. */
export interface Versioned<V> {
  readonly view: V
  readonly version: number
}

/** @throws {KeyferryError} `precondition-failed` */
export function requireVersion({ expectVersion }: Precondition, stored: { readonly version: number } | null): void {
  if (isMet(expectVersion, stored?.version ?? 'absent')) return
  throw new KeyferryError('precondition-failed', 'it is there already, or another version of it')
}

function isMet(expected: Precondition['expectVersion'], version: number | 'absent'): boolean {
  if (expected === 'present') return version !== 'absent'
  return typeof expected === 'object' ? expected.some((one) => one === version) : expected === version
}
