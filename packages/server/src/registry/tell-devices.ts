import type { DeviceId, EnrolmentId, EpochSeconds } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { noticeRow } from '../notices/make-notice.ts'
import type { Change } from '../store/changes.ts'
import type { NoticeType } from '../store/rows.ts'

/** How long a `device-changed` notice is worth sending: PROTOCOL names no end of its own. */
export const DEVICE_CHANGED_SECONDS: number = 7 * 86_400

/** The same notice for each of these devices. */
export function tellDevices(
  context: Pick<ServerContext, 'clock' | 'random'>,
  devices: Iterable<DeviceId>,
  type: Extract<NoticeType, 'enrolment-claimed' | 'device-changed'>,
  facts: { readonly enrolment?: EnrolmentId; readonly expiresAt: EpochSeconds },
): readonly Change[] {
  return [...new Set(devices)].map((recipient) => ({
    kind: 'insert-notice',
    row: noticeRow({
      random: context.random.octets(16),
      type,
      recipient,
      enrolment: facts.enrolment ?? null,
      now: context.clock.now(),
      expiresAt: facts.expiresAt,
    }),
  }))
}
