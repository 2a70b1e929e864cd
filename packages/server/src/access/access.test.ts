import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { aCall, LUIS, NOW } from '../../test/support/a-call.ts'
import { boundedCache } from '../bounded-cache.ts'
import { AccessAnswerShape, AccessCallShape } from './access-call.ts'
import type { AccessEngine } from './access-decision.ts'
import { callOctets, decisionRecord } from './decision-record.ts'
import { inTimeOrNot, type NoDecision } from './time-limit.ts'

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('base64url')

describe('the call', () => {
  it('has the shape of PROTOCOL 6, and no other members', () => {
    const read = (value: unknown): boolean => AccessCallShape.safeParse(value).success
    expect(read(JSON.parse(JSON.stringify(aCall())))).toBe(true)
    expect(read({ ...aCall(), more: 1 })).toBe(false)
    expect(read({ ...aCall(), context: { ...aCall().context, purpose: undefined } })).toBe(false)
  })

  it('is answered in a shape whose unknown members are ignored', () => {
    const answer = {
      decision: true,
      context: { reason: 'a/b', more: 1, approvals: { count: 2, from: [LUIS], code: true } },
    }
    expect(AccessAnswerShape.parse(answer)).toEqual({
      decision: true,
      context: { reason: 'a/b', approvals: { count: 2, from: [LUIS], code: true } },
    })
    expect(AccessAnswerShape.safeParse({ decision: 'yes' }).success).toBe(false)
    expect(AccessAnswerShape.safeParse({ decision: true, context: { reason: 'Because <b>' } }).success).toBe(false)
  })
})

describe('a decision record', () => {
  it('is JSON that names policy and call by their hashes, and is named by its own', () => {
    const { dl, attempt } = { dl: aCall().context.delivery, attempt: 1 }
    if (dl === undefined) throw new Error('the call names a delivery')
    const { octets, ref } = decisionRecord({
      dl,
      attempt,
      stage: 'ac2',
      decision: 'permit',
      reason: 'default/own-devices',
      policy: 'P',
      call: aCall(),
      at: NOW,
    })
    expect(ref).toBe(sha256(octets))
    expect(new TextDecoder().decode(octets)).toBe(
      `{"v":1,"dl":"${dl}","attempt":1,"stage":"ac2","decision":"permit","reason":"default/own-devices","policy":"P",` +
        `"input":"${sha256(callOctets(aCall()))}","at":${NOW}}`,
    )
  })
})

describe('an engine under a time limit', () => {
  const ruling = { decision: true, policy: 'P' }
  const engine = (decide: AccessEngine['decide']): AccessEngine => ({ policyHash: 'P', decide })

  it('answers as the engine does, at once or later', async () => {
    for (const decide of [() => ruling, async () => ruling]) {
      const access = inTimeOrNot(engine(decide), () => {})
      expect(await access.decide(aCall())).toBe(ruling)
      expect(access.policyHash).toBe('P')
    }
  })

  it('makes no decision of an error or of silence', async () => {
    const reports: NoDecision['why'][] = []
    const report = (what: NoDecision): number => reports.push(what.why)
    const failing = engine(async () => Promise.reject(new Error('down')))
    const throwing = engine(() => {
      throw new Error('down at once')
    })
    const silent = engine(() => new Promise(() => {}))
    expect(await inTimeOrNot(failing, report).decide(aCall())).toBeNull()
    expect(await inTimeOrNot(throwing, report).decide(aCall())).toBeNull()
    expect(await inTimeOrNot(silent, report, 20).decide(aCall())).toBeNull()
    expect(reports).toEqual(['failed', 'failed', 'too-slow'])
  })
})

describe('a bounded cache', () => {
  it('forgets what was used longest ago', () => {
    const cache = boundedCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.get('a')).toBe(1)
    cache.set('c', 3)
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2])
  })
})
