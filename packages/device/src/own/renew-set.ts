import { KeyferryError } from '@keyferry/protocol'
import { SET_LIFE_SECONDS } from '../enrolment/lifetimes.ts'
import type { OpenDevice } from '../open-device.ts'
import { findUser } from '../transfers/people.ts'
import { isHalfDone, newestSet, signNextSet } from './next-set.ts'
import { firstWord, rootElsewhere } from './outdated-root.ts'
import { sendUnsentStatements } from './send-statements.ts'

/**
 * Signs the set anew at half its life, where this device holds the root. As nobody watches, it first looks whether somebody else signed
 * one: a set that it does not hold is an alarm, and it stops (PROTOCOL 2.2); where that replaced the root, the alarm is raised once.
 * @returns whether it did.
 * @throws {KeyferryError} `set-rollback`
 */
export async function renewSet(open: OpenDevice): Promise<boolean> {
  await sendUnsentStatements(open)
  const before = newestSet(open)
  if (before === null || open.device.rootSigner() === null) return false
  const elsewhere = rootElsewhere(open.store, before)
  if (elsewhere !== null) {
    const first = firstWord(open, elsewhere)
    if (first !== null) throw first
    return false
  }
  const isYoung = before.payload.exp - open.now() > SET_LIFE_SECONDS / 2
  if (isYoung && !isHalfDone(open)) return false
  const shown = await findUser(open, before.payload.user)
  if (shown.set !== before.ref) {
    open.store.alarms.raise({
      reason: 'set-rollback',
      subject: before.payload.user,
      facts: { shown: shown.set, mine: before.ref },
      at: open.now(),
    })
    const why = 'the server shows a set that this device did not sign'
    throw new KeyferryError('set-rollback', why, { reason: 'set-elsewhere' })
  }
  await signNextSet(open)
  return true
}
