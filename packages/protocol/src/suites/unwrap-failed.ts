import { KeyferryError } from '../errors.ts'

/** T9: one text for all causes, and no cause inside, so that nobody learns which check failed. */
export function unwrapFailed(): KeyferryError {
  return new KeyferryError('unwrap-failed', 'the wrapped key cannot be opened')
}
