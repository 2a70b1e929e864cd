import { KeyferryError } from '@keyferry/protocol'

/** `If-None-Match: *` is `absent`, `If-Match` the version in the `ETag` of what is to be changed (PROTOCOL 4). */
export interface Precondition {
  readonly expectVersion: 'absent' | number
}

/** A thing that has an `ETag`. */
export interface Versioned<V> {
  readonly view: V
  readonly version: number
}

/** @throws {KeyferryError} `precondition-failed` */
export function requireVersion(precondition: Precondition, stored: { readonly version: number } | null): void {
  if (precondition.expectVersion === (stored?.version ?? 'absent')) return
  throw new KeyferryError('precondition-failed', 'it is there already, or another version of it')
}
