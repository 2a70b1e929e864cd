import { type EnrolmentId, type EpochSeconds, idShape, KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import type { Client } from '../client/client.ts'
import { pause } from '../client/pause.ts'
import type { Pause } from './persistent.ts'

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

const text = z.string()
const EnrolmentShownShape: z.ZodType<EnrolmentShown> = z.looseObject({
  id: idShape('en'),
  state: z.enum(['open', 'claimed', 'answered', 'proven', 'approved', 'denied', 'expired']),
  username: text,
  claim: z.looseObject({ statement: text, mac: text.exactOptional() }).exactOptional(),
  answer: z.looseObject({ answer: text, mac: text }).exactOptional(),
  set: text.exactOptional(),
  proof: z.looseObject({ answers: z.array(z.looseObject({ kid: text, mac: text })) }).exactOptional(),
})

/** From the claim on (PROTOCOL 3). */
export const CLAIMED_SECONDS = 3600

const WAIT_SECONDS = 30
/** Between answers that said nothing: a server that does not hold requests is not hammered. */
const BREATH_MILLISECONDS = 500

export interface WaitOptions {
  /** The own clock ends it too, whatever the server says. */
  readonly until: EpochSeconds
  readonly now: () => EpochSeconds
  /** What it means if somebody denied. */
  readonly denied: string
  readonly signal?: AbortSignal
  readonly pause?: Pause
}

/**
 * Waits until the enrolment is in a state.
 * @throws {KeyferryError} `declined` if it was denied or the signal aborts; `not-found` when its time is over
 */
export async function waitForState(
  client: Pick<Client, 'call'>,
  en: EnrolmentId,
  state: EnrolmentShown['state'],
  options: WaitOptions,
): Promise<EnrolmentShown> {
  const { until, now, signal } = options
  let etag: string | undefined
  while (now() < until) {
    if (signal?.aborted === true) throw new KeyferryError('declined', 'you stopped it')
    const answer = await client.call({
      method: 'GET',
      path: `/v1/enrolments/${en}`,
      ...(etag === undefined ? {} : { waitSeconds: WAIT_SECONDS, headers: { 'if-none-match': etag } }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.status !== 304) {
      const shown = answer.json(EnrolmentShownShape)
      if (shown.state === state) return shown
      if (shown.state === 'denied') throw new KeyferryError('declined', options.denied)
      if (shown.state === 'expired' || shown.state === 'approved') break
    }
    if (etag !== undefined) await (options.pause ?? pause)(BREATH_MILLISECONDS, signal)
    etag = answer.header('etag') ?? etag
  }
  throw new KeyferryError('not-found', 'the time for pairing is over')
}
