import type { Thumbprint, UserId } from '@keyferry/protocol'
import type { ApplicationRow, DeviceRow } from '../store/rows.ts'

/**
 * Who made a request, after its signature or session was verified.
 * `operator` is whoever may open the administration socket in the data folder: an administrator by file permission.
 */
export type Caller =
  | { readonly type: 'device'; readonly device: DeviceRow; readonly keyid: Thumbprint; readonly method: DeviceProof }
  | { readonly type: 'user'; readonly user: UserId; readonly admin: boolean }
  | { readonly type: 'application'; readonly application: ApplicationRow }
  | { readonly type: 'operator' }
  /** A key that no statement names yet: only the claim of an enrolment and what follows it accept one (PROTOCOL 3). */
  | { readonly type: 'newcomer'; readonly keyid: Thumbprint }

/** Signed by the device key itself, or by the host agent's `access` key. */
export type DeviceProof = 'device-signature' | 'access-signature'

/** Root id on whose behalf the caller acts, or null. */
export function userOf(caller: Caller): UserId | null {
  if (caller.type === 'device') return caller.device.user
  return caller.type === 'user' ? caller.user : null
}

export function isAdministrator(caller: Caller): boolean {
  return caller.type === 'operator' || (caller.type === 'user' && caller.admin)
}
