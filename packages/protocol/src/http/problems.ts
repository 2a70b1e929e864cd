/** The problems of PROTOCOL 16 (RFC 9457): one line per slug, with its status and title. */
export const PROBLEMS = {
  malformed: { status: 400, title: 'Malformed request' },
  'digest-mismatch': { status: 400, title: 'Content does not match its digest' },
  'idempotency-key-missing': { status: 400, title: 'Idempotency-Key is missing' },
  'id-invalid': { status: 400, title: 'Not an id' },
  'signature-missing': { status: 401, title: 'The request is not signed' },
  'signature-invalid': { status: 401, title: 'The signature is not valid' },
  'signature-expired': { status: 401, title: 'The signature is out of time' },
  'nonce-replayed': { status: 401, title: 'The nonce was used before' },
  'key-unknown': { status: 401, title: 'The signing key is not known' },
  'login-required': { status: 401, title: 'Log in first' },
  'access-denied': { status: 403, title: 'Access denied' },
  'device-suspended': { status: 403, title: 'The device is suspended' },
  'device-revoked': { status: 403, title: 'The device is revoked' },
  'code-required': { status: 403, title: 'A one-time code is required' },
  'code-wrong': { status: 403, title: 'The one-time code is wrong' },
  'code-expired': { status: 403, title: 'The one-time code is no longer valid' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'state-conflict': { status: 409, title: 'The resource has moved on' },
  'envelope-exists': { status: 409, title: 'Another envelope exists' },
  'already-collected': { status: 409, title: 'Collected as often as allowed' },
  'idempotency-in-progress': { status: 409, title: 'The same request is being worked on' },
  'set-rollback': { status: 409, title: 'The device set goes back' },
  'statement-rollback': { status: 409, title: 'The statement goes back' },
  replayed: { status: 409, title: 'Already used' },
  'delivery-closed': { status: 410, title: 'The delivery is closed' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'too-large': { status: 413, title: 'Too large' },
  'unsupported-media': { status: 415, title: 'Unsupported media type' },
  'envelope-invalid': { status: 422, title: 'The envelope is not valid' },
  'order-invalid': { status: 422, title: 'The order is not valid' },
  'receipt-invalid': { status: 422, title: 'The receipt is not valid' },
  'statement-invalid': { status: 422, title: 'The statement is not valid' },
  'no-usable-target': { status: 422, title: 'No target can take this key' },
  'no-common-suite': { status: 422, title: 'Source and target have no suite in common' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency-Key was used for another request' },
  'precondition-required': { status: 428, title: 'Precondition required' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'read-only': { status: 503, title: 'The server is read-only' },
  unavailable: { status: 503, title: 'Not available now' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code)
}
