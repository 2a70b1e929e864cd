import { type EnrolmentId, KeyferryError } from '@keyferry/protocol'
import type { Client } from '../client/client.ts'
import { UnreachableError } from '../client/transport.ts'

/** Reasons of a denial (PROTOCOL 3); what has no word of its own is `declined`. */
const REASONS: ReadonlySet<string> = new Set(['mac-invalid', 'statement-invalid', 'possession-failed', 'declined'])

/**
 * Tells the server, and by it the other device, that this enrolment has ended and why: also where its human left a question unanswered. Not
 * where the server is away, unless it was stopped. No answer is needed: it also expires.
 */
export async function deny(
  client: Pick<Client, 'call'>,
  en: EnrolmentId,
  error: unknown,
  signal?: AbortSignal,
): Promise<void> {
  const isFinal = !(error instanceof UnreachableError) || signal?.aborted === true
  if (!isFinal) return
  const reason = error instanceof KeyferryError && REASONS.has(error.code) ? error.code : 'declined'
  try {
    await client.call({ method: 'POST', path: `/v1/enrolments/${en}/denial`, json: { reason } })
  } catch {
    // It has ended already, or nobody is there to hear.
  }
}
