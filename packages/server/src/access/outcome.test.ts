import { describe, expect, it } from 'vitest'
import { aCall, LUIS, MARTA, NOW, PAULA } from '../../test/support/a-call.ts'
import type { AccessAnswer, AccessApproval } from './access-call.ts'
import { outcomeOf } from './outcome.ts'

const permit = (conditions: object): AccessAnswer => ({
  decision: true,
  context: { reason: 'test/rule', ...conditions },
})
const says = (by: AccessApproval['by'], decision: AccessApproval['decision'] = 'permit'): AccessApproval => ({
  by,
  decision,
  at: NOW,
})
const withApprovals = (...approvals: AccessApproval[]): ReturnType<typeof aCall> => aCall({ context: { approvals } })

describe('what an answer means', () => {
  it('is a permit or a denial as given, if there are no conditions', () => {
    expect(outcomeOf(aCall(), permit({}))).toEqual({
      outcome: 'permit',
      reason: 'test/rule',
      waitingFor: [],
      approvers: [],
    })
    expect(outcomeOf(aCall(), { decision: false })).toMatchObject({ outcome: 'deny', reason: 'denied' })
    expect(outcomeOf(aCall(), { decision: true })).toMatchObject({ outcome: 'permit', reason: 'permitted' })
  })

  it('waits for as many different approvers as demanded, of those named only', () => {
    const two = permit({ approvals: { count: 2, from: [LUIS, MARTA] } })
    expect(outcomeOf(withApprovals(), two)).toMatchObject({
      outcome: 'wait',
      waitingFor: ['approval'],
      approvers: [LUIS, MARTA],
    })
    expect(outcomeOf(withApprovals(says(LUIS), says(LUIS), says(PAULA)), two)).toMatchObject({ outcome: 'wait' })
    expect(outcomeOf(withApprovals(says(LUIS), says(MARTA)), two)).toMatchObject({ outcome: 'permit', approvers: [] })
  })

  it('is a denial once one of those named says no, and if nobody could say yes', () => {
    const one = permit({ approvals: { count: 1, from: [LUIS, MARTA] } })
    expect(outcomeOf(withApprovals(says(LUIS), says(MARTA, 'deny')), one)).toMatchObject({ outcome: 'deny' })
    expect(outcomeOf(withApprovals(says(LUIS), says(PAULA, 'deny')), one)).toMatchObject({ outcome: 'permit' })
    expect(outcomeOf(aCall(), permit({ approvals: { count: 0, from: [LUIS] } }))).toMatchObject({ outcome: 'deny' })
    expect(outcomeOf(aCall(), permit({ approvals: { count: 1, from: [] } }))).toMatchObject({ outcome: 'deny' })
  })

  it('waits for a younger proof, another method, a code', () => {
    expect(outcomeOf(aCall(), permit({ proof: { maxAgeSeconds: 10 } }))).toMatchObject({ outcome: 'permit' })
    expect(outcomeOf(aCall(), permit({ proof: { maxAgeSeconds: 9 } }))).toMatchObject({ waitingFor: ['target-proof'] })
    const bySession = permit({ proof: { maxAgeSeconds: 900, method: 'session' } })
    const byDevice = permit({ proof: { maxAgeSeconds: 900, method: 'device-signature' } })
    expect(outcomeOf(aCall(), byDevice)).toMatchObject({ outcome: 'permit' })
    expect(outcomeOf(aCall({ context: { stage: 'ac1' } }), bySession)).toMatchObject({ waitingFor: ['source-proof'] })
    expect(outcomeOf(aCall(), permit({ code: 'proof' }))).toMatchObject({ waitingFor: ['code'] })
  })

  it('asks for the code of a collection at the collection', () => {
    const atCollection = permit({ code: 'collect' })
    expect(outcomeOf(aCall(), atCollection)).toMatchObject({ outcome: 'permit' })
    expect(outcomeOf(aCall({ action: 'keyferry.collect' }), atCollection)).toMatchObject({ waitingFor: ['code'] })
    const proof = { party: 'target', method: 'device-signature', at: NOW, code: true } as const
    expect(outcomeOf(aCall({ action: 'keyferry.collect', context: { proof } }), atCollection)).toMatchObject({
      outcome: 'permit',
    })
  })
})
