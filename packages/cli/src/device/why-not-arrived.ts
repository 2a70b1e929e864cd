import type { DeliveryShown, OpenDevice, TransferShown } from '@keyferry/device'
import { type ErrorCode, KeyferryError } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'
import { isKnownCode } from '../console/exit-codes.ts'
import { Explained, failureOf } from '../console/failure.ts'
import { typeableId } from '../console/ids.ts'
import { span } from '../console/times.ts'
import { targetName } from '../views/transfer.ts'

/** The words of the server for which there is more to say than the word. */
const POLICY_REASONS: Readonly<Record<string, string>> = { 'approval-denied': 'who was asked to approve it said no' }

/**
 * Why a transfer that has ended did not bring its key everywhere, as an error whose code says who ended it: a person or policy (exit 3), a
 * check (exit 4), or time and chance (exit 1). Of several the gravest is told, and how many there are.
 * @returns null if all of it arrived
 */
export function whyNotArrived(open: OpenDevice, { tr, deliveries, state }: TransferShown): Error | null {
  if (state === 'completed') return null
  const missing = deliveries.filter((delivery) => delivery.state !== 'completed')
  const look = `keyferry transfer show ${typeableId(tr)}`
  const [told] = missing.map((delivery) => whyOne(open, delivery)).toSorted((a, b) => graveness(b) - graveness(a))
  if (told === undefined) {
    return new CliError('withdrawn', 'nobody is left whom it could go to', { hint: `see what became of it: ${look}` })
  }
  if (deliveries.length === 1) return told
  return new Explained(told, {
    more: `${missing.length} of ${deliveries.length} did not arrive; the others: ${look}`,
  })
}

/** What a check stopped must not hide behind what ran out: the exit codes 1, 3 and 4 grow with it. */
function graveness(why: Error): number {
  return failureOf(why, '').exit
}

function whyOne(open: OpenDevice, delivery: DeliveryShown): Error {
  const { tr, stage, state } = delivery
  const name = targetName(open, delivery)
  const again = `keyferry transfer retry ${typeableId(tr)}`
  switch (state) {
    case 'refused':
      if (stage === 'ac1' || stage === 'ac2') return byPolicy(delivery)
      return byDevice(
        delivery,
        `${stage === 'source' ? 'this device' : name} refused it`,
        `ask there why; to try it once more: ${again}`,
      )
    case 'failed':
      return byDevice(delivery, `${name} could not take it in`, `look there with keyferry doctor, then: ${again}`)
    case 'expired':
      return new CliError('expired', `${name} did not take it before its time was over`, {
        more: `It ran out ${span(open.now() - delivery.deadline)} ago, and the wrapped key is erased.`,
        hint: `once more, with more time: ${again} --for 7d`,
      })
    case 'cancelled':
      return new CliError('cancelled', 'it was cancelled', { hint: `if that was a slip: ${again}` })
    default:
      return withdrawn(delivery)
  }
}

/** A slug that we know names the check, and gives its exit code. A human's no is `declined`. */
function byDevice({ reason, state }: DeliveryShown, why: string, hint: string): Error {
  if (reason === undefined || !isKnownCode(reason)) {
    return new CliError(state === 'failed' ? 'not-installed' : 'refused', why, { hint })
  }
  const more = reason === 'declined' ? {} : { more: 'Nothing was installed there: a check there stopped it.' }
  return new Explained(new KeyferryError(reason as ErrorCode, why), { hint, ...more })
}

function byPolicy({ tr, reason, stage }: DeliveryShown): Error {
  const word = POLICY_REASONS[reason ?? ''] ?? 'the policy of the server says no'
  return new Explained(new KeyferryError('access-denied', word, reason === undefined ? {} : { reason }), {
    more: stage === 'ac1' ? 'Nothing was deposited.' : 'The wrapped key is erased.',
    hint: `ask whoever runs the server; which rule it was: keyferry transfer show ${typeableId(tr)}`,
  })
}

function withdrawn({ tr, reason }: DeliveryShown): Error {
  const hint = `see what became of it: keyferry transfer show ${typeableId(tr)}`
  const why = 'the server took it back'
  if (reason === undefined || !isKnownCode(reason)) return new CliError('withdrawn', why, { hint })
  return new Explained(new KeyferryError(reason as ErrorCode, why), { hint })
}
