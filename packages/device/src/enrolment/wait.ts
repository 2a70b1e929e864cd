import type { EnrolmentId } from '@keyferry/protocol'
import type { Client } from '../client/client.ts'

/** `GET /v1/enrolments/{en}` (PROTOCOL 3). */
export interface EnrolmentShown {
  readonly id: EnrolmentId
  readonly state: 'open' | 'claimed' | 'answered' | 'proven' | 'approved' | 'denied' | 'expired'
  readonly username: string
  readonly claim?: { readonly statement: string; readonly mac?: string }
  readonly answer?: { readonly answer: string; readonly mac: string }
  readonly set?: string
  readonly proof?: { readonly answers: readonly { readonly kid: string; readonly mac: string }[] }
}

const WAIT_SECONDS = 30
const MAX_ROUNDS = 200

/** Waits until the enrolment is in one of these states, or at its end; null after an hour and a half, or when aborted. */
export async function waitForState(
  client: Client,
  en: EnrolmentId,
  states: readonly EnrolmentShown['state'][],
  signal?: AbortSignal,
): Promise<EnrolmentShown | null> {
  const wanted = new Set([...states, 'approved', 'denied', 'expired'])
  let etag: string | undefined
  for (let round = 0; round < MAX_ROUNDS && signal?.aborted !== true; round++) {
    const answer = await client.call({
      method: 'GET',
      path: `/v1/enrolments/${en}`,
      ...(etag === undefined ? {} : { waitSeconds: WAIT_SECONDS, headers: { 'if-none-match': etag } }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.status === 304) continue
    const shown = answer.json<EnrolmentShown>()
    if (wanted.has(shown.state)) return shown
    etag = answer.header('etag')
  }
  return null
}
