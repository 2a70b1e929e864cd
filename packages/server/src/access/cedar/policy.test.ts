import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import { describe, expect, it } from 'vitest'
import { aCall, anEarlyCall, LUIS } from '../../../test/support/a-call.ts'
import { DEFAULT_POLICY } from './default-policy.ts'
import { cedarFacts, questionsOf } from './facts.ts'
import { compilePolicy } from './policy.ts'
import { seenFacts } from './reads.ts'
import { POLICY_SCHEMA } from './schema.ts'

const rule = (annotations: string, when = 'true', effect = 'permit'): string =>
  `${annotations} ${effect} (principal, action == Action::"request", resource) when { ${when} };`

describe('a policy', () => {
  it.each([
    ['does not parse', 'permit ('],
    ['has no id', rule('')],
    ['has an id that is no slug', rule('@id("Own devices!")')],
    ['has one id twice', rule('@id("a")') + rule('@id("a")', 'false')],
    ['misspells a fact', rule('@id("a")', 'context.requestor.grantee')],
    ['misspells an annotation', rule('@id("a") @aprovals("2")')],
    ['uses an optional fact untested', rule('@id("a")', 'context.purpose == "share"')],
    ['asks receivers at the wrong question', rule('@id("a")', 'context.target.attested')],
    ['has a template', '@id("a") permit (principal == ?principal, action, resource);'],
    ['demands 0 approvals', rule('@id("a") @approvals("0")')],
    ['names approvers for nothing', rule('@id("a") @approvers("owner")')],
    ['names an approver that is no root id', rule('@id("a") @approvals("1") @approvers("owner  luis")')],
    ['names an unknown moment for the code', rule('@id("a") @code("later")')],
    ['forbids under a condition', rule('@id("a") @code("proof")', 'true', 'forbid')],
  ])('is refused if it %s', (_, text) => {
    expect(() => compilePolicy(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is refused with a hint for whoever wrote it, kept out of the message', () => {
    const secret = rule('@id("a")', 'context.requestor.grantee')
    expect(() => compilePolicy(secret)).toThrow(
      expect.objectContaining({
        message: 'the policy is not valid',
        cause: expect.objectContaining({ message: expect.stringContaining('did you mean `requester`?') }),
      }),
    )
  })

  it('tells which facts it reads', () => {
    const policy = compilePolicy(
      rule('@id("a")', 'context has target && context.target.kind == "tpm" && !context.approvals.isEmpty()') +
        rule('@id("b")', 'context.key == context.key'),
    )
    expect(policy.reads.map((path) => path.join('.')).sort()).toEqual(['approvals', 'key', 'target', 'target.kind'])
    expect(compilePolicy(DEFAULT_POLICY).reads.flat()).not.toContain('now')
  })

  it('is shown the facts that it reads, whole where it reads them whole', () => {
    const facts = { key: { id: 'k', owner: 'o' }, target: { kind: 'tpm', user: 'u' }, now: 1 }
    expect(
      seenFacts(facts, [
        ['target', 'kind'],
        ['key', 'owner'],
        ['source', 'user'],
      ]),
    ).toEqual({
      key: { owner: 'o' },
      target: { kind: 'tpm' },
    })
    for (const paths of [
      [['target', 'kind'], ['target']],
      [['target'], ['target', 'kind']],
    ]) {
      expect(seenFacts(facts, paths)).toEqual({ target: facts.target })
    }
    expect(seenFacts(facts, [['now'], []])).toEqual(facts)
    expect(facts.target).toEqual({ kind: 'tpm', user: 'u' })
  })
})

describe('the facts', () => {
  it.each([
    ['a call', aCall()],
    ['a call without what is optional', aCall({ subject: { type: 'device', id: LUIS } })],
    ['the call of E1', anEarlyCall({ type: 'user', id: LUIS })],
    ['the call of E1 without a source', anEarlyCall({ type: 'application', id: LUIS }, false)],
  ])('of %s fit the schema', (_, call) => {
    for (const question of questionsOf(call)) {
      const answer = isAuthorized({
        principal: {
          type: { user: 'User', device: 'Device', application: 'Application' }[call.subject.type],
          id: LUIS,
        },
        action: { type: 'Action', id: question },
        resource: { type: 'Key', id: call.resource.id },
        context: cedarFacts(call),
        entities: [],
        schema: POLICY_SCHEMA,
        validateRequest: true,
        policies: { staticPolicies: {} },
      })
      expect(answer).toMatchObject({ type: 'success' })
    }
  })
})
