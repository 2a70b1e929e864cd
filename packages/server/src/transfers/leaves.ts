import { type LeafTyp, leafText, type Ref, tagFor } from '@keyferry/protocol'
import type { Change } from '../store/changes.ts'

/**
 * The leaf of a statement or record (PROTOCOL 11). `subject` is what its tag hides: root id for device, device-set and grant; user
 * name for `kf-user`; owner's root id || 00 || `dl` for order and envelope; `dstUser` || 00 || `dl` for receipt; `dl` for decision.
 */
export function leafFor(origin: string, typ: LeafTyp, ref: Ref, subject: string): Change {
  return { kind: 'append-leaf', ref, text: leafText(typ, ref, tagFor(origin, subject)) }
}

export function deliverySubject(user: string, dl: string): string {
  return `${user}\0${dl}`
}
