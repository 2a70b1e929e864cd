import { KeyferryError } from '@keyferry/protocol'
import { errcodeOf, OUTAGES, primaryCode } from './error-codes.ts'

/** What a caller learns of a failure that hit all that was being written. */
export function unavailable(errcode: number | null, message: string): KeyferryError {
  const outage = OUTAGES[primaryCode(errcode ?? 0)] ?? { text: 'the database failed', retryAfter: 60 }
  return new KeyferryError('unavailable', outage.text, { retryAfter: outage.retryAfter }, { cause: new Error(message) })
}

/** At the start: says which file it is, because an operator reads it. */
export function cannotOpen(path: string, cause: unknown): KeyferryError {
  const errcode = errcodeOf(cause)
  const outage = errcode === null ? undefined : OUTAGES[primaryCode(errcode)]
  const why = outage?.text ?? 'the folder or the file cannot be written'
  const reason = outage?.reason === undefined ? {} : { reason: outage.reason }
  return new KeyferryError('unavailable', `the database ${path}: ${why}`, { retryAfter: 60, ...reason }, { cause })
}
