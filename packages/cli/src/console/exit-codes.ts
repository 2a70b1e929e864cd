import type { DeviceErrorCode } from '@keyferry/device'
import type { ErrorCode } from '@keyferry/protocol'
import type { CliErrorCode } from './cli-error.ts'

/** What a script can tell by the exit code alone. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  refused: 3,
  stoppedByCheck: 4,
  notReachable: 5,
  stillWaiting: 6,
  /** As a shell tells of Ctrl-C. */
  stopped: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const { failed, wrongUse, refused, stoppedByCheck, notReachable, stillWaiting, stopped } = EXIT

/** One line per code of the protocol and of the command itself: a code without its line does not compile. */
const TABLE: Readonly<Record<ErrorCode | CliErrorCode, ExitCode>> = {
  // The command itself
  'wrong-use': wrongUse,
  'terminal-needed': wrongUse,
  'name-ambiguous': wrongUse,
  'name-unknown': failed,
  'nothing-to-do': failed,
  'already-sent': failed,
  'not-installed': failed,
  refused,
  expired: failed,
  cancelled: failed,
  withdrawn: failed,
  'answered-no': refused,
  'admin-only-here': refused,
  'server-not-here': notReachable,
  unreachable: notReachable,
  'still-waiting': stillWaiting,
  stopped,
  'not-supported-here': failed,
  // A person or a policy said no
  'access-denied': refused,
  declined: refused,
  'device-revoked': refused,
  'device-suspended': refused,
  'code-required': refused,
  'code-wrong': refused,
  'code-expired': refused,
  'grant-exceeded': refused,
  'login-required': refused,
  // Somebody is not who he says, or something is not what it should be
  'alg-not-allowed': stoppedByCheck,
  'binding-mismatch': stoppedByCheck,
  'checkpoint-invalid': stoppedByCheck,
  'checkpoint-stale': stoppedByCheck,
  'digest-mismatch': stoppedByCheck,
  'directory-mismatch': stoppedByCheck,
  'envelope-expired': stoppedByCheck,
  'envelope-invalid': stoppedByCheck,
  'envelope-malformed': stoppedByCheck,
  'exposure-too-low': stoppedByCheck,
  'generation-old': stoppedByCheck,
  'key-in-use': stoppedByCheck,
  'key-mismatch': stoppedByCheck,
  'kti-invalid': stoppedByCheck,
  'log-inconsistent': stoppedByCheck,
  'mac-invalid': stoppedByCheck,
  'nonce-replayed': stoppedByCheck,
  'order-expired': stoppedByCheck,
  'order-invalid': stoppedByCheck,
  'order-mismatch': stoppedByCheck,
  'order-missing': stoppedByCheck,
  'owner-untrusted': stoppedByCheck,
  'pin-conflict': stoppedByCheck,
  'possession-failed': stoppedByCheck,
  'proof-invalid': stoppedByCheck,
  'public-key-invalid': stoppedByCheck,
  'receipt-invalid': stoppedByCheck,
  replayed: stoppedByCheck,
  'response-invalid': stoppedByCheck,
  'secret-unknown': stoppedByCheck,
  'set-expired': stoppedByCheck,
  'set-invalid': stoppedByCheck,
  'set-rollback': stoppedByCheck,
  'signature-invalid': stoppedByCheck,
  'signature-missing': stoppedByCheck,
  'source-not-listed': stoppedByCheck,
  'statement-expired': stoppedByCheck,
  'statement-invalid': stoppedByCheck,
  'statement-rollback': stoppedByCheck,
  'target-untrusted': stoppedByCheck,
  'transport-key-expired': stoppedByCheck,
  'transport-key-foreign': stoppedByCheck,
  'transport-key-unknown': stoppedByCheck,
  'unwrap-failed': stoppedByCheck,
  'user-ambiguous': stoppedByCheck,
  // The server helps nobody now
  'read-only': notReachable,
  'too-many-requests': notReachable,
  unavailable: notReachable,
  // It could not be done
  'already-collected': failed,
  'already-installed': failed,
  'delivery-closed': failed,
  'envelope-exists': failed,
  'id-invalid': failed,
  'idempotency-in-progress': failed,
  'idempotency-key-missing': failed,
  'idempotency-key-reused': failed,
  'key-absent': failed,
  'key-not-exportable': failed,
  'key-unknown': failed,
  malformed: wrongUse,
  'method-not-allowed': failed,
  'no-common-suite': failed,
  'no-usable-target': failed,
  'not-found': failed,
  'precondition-failed': failed,
  'precondition-required': failed,
  // A clock that is wrong, mostly: nobody is between.
  'signature-expired': failed,
  'state-conflict': failed,
  'store-failed': failed,
  superseded: failed,
  'too-large': failed,
  'unsupported-media': failed,
}

/** Of the device itself: a file that is no key was named by whoever typed. */
const OF_FILES: Readonly<Partial<Record<DeviceErrorCode, ExitCode>>> = {
  'key-format-unknown': wrongUse,
  'key-is-public': wrongUse,
}

/** A code that is not in the tables (of a file, of the system) is a plain failure. */
export function exitCodeFor(code: string): ExitCode {
  const table: Readonly<Record<string, ExitCode>> = { ...OF_FILES, ...TABLE }
  return Object.hasOwn(table, code) ? (table[code] ?? EXIT.failed) : EXIT.failed
}

/** Whether it is one of our own slugs: what a server sends may be any word. */
export function isKnownCode(code: string): code is ErrorCode | CliErrorCode {
  return Object.hasOwn(TABLE, code)
}
