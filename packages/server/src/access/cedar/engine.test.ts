import { describe, expect, it } from 'vitest'
import {
  aCall,
  anEarlyCall,
  aSource,
  aTarget,
  LUIS,
  MARTA,
  NOW,
  PAULA,
  PHONE,
  TABLET,
} from '../../../test/support/a-call.ts'
import type { AccessAnswer, AccessCall } from '../access-call.ts'
import { DEFAULT_POLICY } from './default-policy.ts'
import { cedarEngine } from './engine.ts'

const SETTINGS = { proofWindowSeconds: 900 }
const byDefault = cedarEngine(DEFAULT_POLICY, SETTINGS)

async function decide(call: AccessCall, policy?: string): Promise<AccessAnswer> {
  const engine = policy === undefined ? byDefault : cedarEngine(policy, SETTINGS)
  const { decision, context } = await engine.decide(call)
  return { decision, ...(context === undefined ? {} : { context }) }
}
const permitted = (reason: string): AccessAnswer => ({ decision: true, context: { reason } })
const denied = (reason: string): AccessAnswer => ({ decision: false, context: { reason } })
const toOwnDevice = { target: { ...aTarget, user: LUIS } }

describe('the default policy', () => {
  it('lets the owner send to his own devices and to other users', async () => {
    expect(await decide(aCall({ context: toOwnDevice }))).toEqual(permitted('default/own-devices'))
    expect(await decide(aCall())).toEqual(permitted('default/other-users'))
  })

  it('lets a device of the owner ask, and the target or its user for itself', async () => {
    const ofLuis = { type: 'device', id: TABLET, properties: { user: LUIS } } as const
    const ofMarta = { type: 'device', id: PHONE, properties: { user: MARTA } } as const
    expect(await decide(aCall({ subject: ofLuis }))).toEqual(permitted('default/other-users'))
    expect(await decide(aCall({ subject: ofMarta }))).toEqual(permitted('default/other-users'))
    expect(await decide(aCall({ subject: { type: 'user', id: MARTA } }))).toEqual(permitted('default/other-users'))
  })

  it('lets nobody else ask', async () => {
    expect(await decide(aCall({ subject: { type: 'user', id: PAULA } }))).toEqual(denied('no-rule/request'))
    expect(await decide(aCall({ subject: { type: 'device', id: TABLET } }))).toEqual(denied('no-rule/request'))
    const claims = { type: 'user', id: PAULA, properties: { forItself: true } } as const
    expect(await decide(aCall({ subject: claims }))).toEqual(denied('no-rule/request'))
  })

  it('lets an application ask only under a grant', async () => {
    expect(await decide(aCall({ subject: { type: 'application', id: PAULA } }))).toEqual(denied('no-rule/request'))
    const grantee = { type: 'application', id: PAULA, properties: { grantee: true } } as const
    expect(await decide(aCall({ subject: grantee }))).toEqual(permitted('default/other-users'))
    const user = { type: 'user', id: PAULA, properties: { grantee: true } } as const
    expect(await decide(aCall({ subject: user }))).toEqual(denied('no-rule/request'))
  })

  it('lets only devices of the owner give', async () => {
    expect(await decide(aCall({ context: { source: { ...aSource, user: MARTA } } }))).toEqual(denied('no-rule/give'))
  })

  it('refuses suspended devices', async () => {
    expect(await decide(aCall({ context: { source: { ...aSource, suspended: true } } }))).toEqual(
      denied('default/source-suspended'),
    )
    expect(await decide(aCall({ context: { target: { ...aTarget, suspended: true } } }))).toEqual(
      denied('default/target-suspended'),
    )
  })

  it('answers at E1 what can be answered there', async () => {
    expect(await decide(anEarlyCall({ type: 'user', id: LUIS }))).toEqual(permitted('default/owner-gives'))
    expect(await decide(anEarlyCall({ type: 'user', id: LUIS }, false))).toEqual(permitted('default/owner-asks'))
    expect(await decide(anEarlyCall({ type: 'user', id: MARTA }))).toEqual(denied('no-rule/request'))
    const forItself = { type: 'user', id: MARTA, properties: { forItself: true } } as const
    expect(await decide(anEarlyCall(forItself))).toEqual(permitted('default/owner-gives'))
  })
})

describe('the engine', () => {
  it('makes no decision about a delivery that lacks a party', async () => {
    const { target: _, ...context } = aCall().context
    expect(() => byDefault.decide({ ...aCall(), context })).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('makes no decision when a rule fails while it is evaluated', async () => {
    const overflowing = `${DEFAULT_POLICY}
      @id("test/overflow") forbid (principal, action == Action::"receive", resource)
      when { context.copies * 9223372036854775807 > 1 };`
    await expect(decide(aCall(), overflowing)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('names the first rule of the text that decided', async () => {
    const policy = `${DEFAULT_POLICY}
      @id("test/later") permit (principal, action == Action::"receive", resource);
      @id("test/no-software") forbid (principal, action, resource) when { context.key.class == "user" };
      @id("test/never") forbid (principal, action, resource) when { context.key.class == "user" };`
    expect(await decide(aCall(), policy)).toEqual(permitted('default/other-users'))
    const call = aCall()
    const ofUser = { ...call, resource: { ...call.resource, properties: { class: 'user', generation: 1 } } } as const
    expect(await decide(ofUser, policy)).toEqual(denied('test/no-software'))
  })

  it('forgets what it decided when the policy changes, and keeps the old one when the new is wrong', async () => {
    const engine = cedarEngine(DEFAULT_POLICY, SETTINGS)
    const before = await engine.decide(aCall())
    expect(before).toMatchObject({ decision: true, policy: engine.policyHash })
    expect(() => engine.replacePolicy('permit (principal, action, resource);')).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
    expect(await engine.decide(aCall())).toEqual(before)
    engine.replacePolicy(`${DEFAULT_POLICY} @id("test/closed") forbid (principal, action, resource);`)
    const after = await engine.decide(aCall())
    expect(after).toMatchObject({ decision: false, context: { reason: 'test/closed' }, policy: engine.policyHash })
    expect(after.policy).not.toBe(before.policy)
  })

  it('does not remember a decision beyond the time, if a rule looks at it', async () => {
    const engine = cedarEngine(
      `${DEFAULT_POLICY} @id("test/night") forbid (principal, action, resource) when { context.now > ${NOW} };`,
      SETTINGS,
    )
    expect(await engine.decide(aCall())).toMatchObject({ decision: true })
    expect(await engine.decide(aCall({ context: { now: NOW + 1 } }))).toMatchObject({ decision: false })
  })

  it('keeps two engines in one process apart', async () => {
    const closed = cedarEngine('@id("test/closed") forbid (principal, action, resource);', SETTINGS)
    expect(await closed.decide(aCall())).toMatchObject({ decision: false })
    expect(await byDefault.decide(aCall())).toMatchObject({ decision: true })
  })
})

describe('conditions', () => {
  const withRule = (annotations: string, more = ''): string => `${DEFAULT_POLICY}
    @id("test/more") ${annotations} permit (principal, action == Action::"receive", resource); ${more}`

  it('come from every permit that matches', async () => {
    const policy = withRule(
      '@proof_max_age("300") @code("proof")',
      '@id("test/too") @proof_max_age("60") @proof_method("session") permit (principal, action == Action::"give", resource);',
    )
    expect(await decide(aCall(), policy)).toEqual({
      decision: true,
      context: { reason: 'default/other-users', code: 'proof', proof: { maxAgeSeconds: 60, method: 'session' } },
    })
  })

  it('name approvers by their part, without the user of the requester', async () => {
    const policy = withRule(`@approvals("1") @approvers("owner target-user ${PAULA}") @approval_code("required")`)
    expect(await decide(aCall(), policy)).toMatchObject({
      context: { approvals: { count: 1, from: [MARTA, PAULA], code: true } },
    })
    const marta = { type: 'user', id: MARTA } as const
    expect(await decide(aCall({ subject: marta }), policy)).toMatchObject({
      context: { approvals: { from: [LUIS, PAULA] } },
    })
  })

  it('let the requester approve where the policy says so', async () => {
    expect(await decide(aCall(), withRule('@approvals("1")'))).toEqual(denied('no-rule/approvers'))
    expect(await decide(aCall(), withRule('@approvals("1") @requester_may_approve("yes")'))).toMatchObject({
      decision: true,
      context: { approvals: { count: 1, from: [LUIS] } },
    })
  })

  it('ask for what satisfies all rules at once, or deny', async () => {
    const both = (first: string, second: string): string =>
      withRule(first, `@id("test/too") ${second} permit (principal, action == Action::"receive", resource);`)
    expect(
      await decide(
        aCall(),
        both(`@approvals("1") @approvers("${MARTA} ${PAULA}")`, `@approvals("1") @approvers("${PAULA} ${TABLET}")`),
      ),
    ).toMatchObject({ context: { approvals: { count: 1, from: [PAULA] } } })
    expect(
      await decide(
        aCall(),
        both(`@approvals("2") @approvers("${MARTA} ${PAULA}")`, `@approvals("1") @approvers("${PAULA}")`),
      ),
    ).toEqual(denied('no-rule/approvers'))
    expect(await decide(aCall(), both('@proof_method("session")', '@proof_method("device-signature")'))).toEqual(
      denied('no-rule/approvers'),
    )
  })

  it('never allow an older proof than the proof window', async () => {
    expect(await decide(aCall(), withRule('@proof_max_age("9000")'))).toMatchObject({
      context: { proof: { maxAgeSeconds: 900 } },
    })
    expect(await decide(aCall(), withRule('@proof_method("device-signature")'))).toMatchObject({
      context: { proof: { maxAgeSeconds: 900, method: 'device-signature' } },
    })
  })
})
