import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import { KeyferryError } from '@keyferry/protocol'
import { type BoundedCache, boundedCache } from '../../bounded-cache.ts'
import type { AccessCall } from '../access-call.ts'
import type { AccessEngine, Ruling } from '../access-decision.ts'
import { type Demands, joinDemands } from './conditions.ts'
import { cedarFacts, type Question, questionsOf } from './facts.ts'
import { type CompiledPolicy, compilePolicy } from './policy.ts'
import { seenFacts } from './reads.ts'

export interface CedarSettings {
  /** The age that a proof may have anyway: no policy can allow an older one. */
  readonly proofWindowSeconds: number
  /** How many decisions are remembered: some 300 octets each. */
  readonly cacheEntries?: number
}

export interface CedarEngine extends AccessEngine {
  readonly policyText: string
  /**
   * Puts another policy in force, at once and whole.
   * @throws {KeyferryError} `malformed`; the old one stays in force then.
   */
  replacePolicy(text: string): void
}

/** What Cedar said to all questions of a call. Whom the conditions mean depends on the call, so they are kept as written. */
interface Verdict {
  readonly decision: boolean
  readonly reason: string
  readonly demands: readonly Demands[]
}

const ENTITY_TYPES = { user: 'User', device: 'Device', application: 'Application' } as const
let engines = 0

/**
 * AC1 and AC2 by Cedar policies in this process (PROTOCOL 6). Synchronous inside, so it cannot hang on a network; a rule that
 * fails while it is evaluated (an overflow) makes no decision, because Cedar would go on without it, were it a `forbid`.
 *
 * @throws {KeyferryError} `malformed` when the policy does not parse or fit the schema.
 */
export function cedarEngine(policyText: string, settings: CedarSettings): CedarEngine {
  // cedar-wasm keeps parsed policy sets by name and has no call to drop one: one name per engine, used again and again.
  const name = `keyferry-${++engines}`
  let policy: CompiledPolicy
  let cache: BoundedCache<string, Verdict>
  replacePolicy(policyText)

  function replacePolicy(text: string): void {
    const compiled = compilePolicy(text)
    const parsed = preparsePolicySet(name, { staticPolicies: { ...compiled.rules } })
    if (parsed.type === 'failure') throw new KeyferryError('malformed', 'the policy is not valid')
    policy = compiled
    cache = boundedCache(settings.cacheEntries ?? 10_000)
  }

  function ask(call: AccessCall): Verdict {
    const questions = questionsOf(call)
    const context = seenFacts(cedarFacts(call), policy.reads)
    const key = JSON.stringify([questions.length, call.subject.type, call.subject.id, call.resource.id, context])
    const known = cache.get(key)
    if (known !== undefined) return known
    const verdict = askAll(policy, questions, (question) => {
      const answer = statefulIsAuthorized({
        principal: { type: ENTITY_TYPES[call.subject.type], id: call.subject.id },
        action: { type: 'Action', id: question },
        resource: { type: 'Key', id: call.resource.id },
        context,
        entities: [],
        preparsedPolicySetId: name,
      })
      if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0) {
        throw new KeyferryError('unavailable', 'the policy failed')
      }
      return { permitted: answer.response.decision === 'allow', rules: answer.response.diagnostics.reason }
    })
    cache.set(key, verdict)
    return verdict
  }

  return {
    get policyHash() {
      return policy.hash
    },
    get policyText() {
      return policy.text
    },
    replacePolicy,
    decide(call) {
      return rulingOf(ask(call), call, policy.hash, settings.proofWindowSeconds)
    },
  }
}

type Ask = (question: Question) => { readonly permitted: boolean; readonly rules: readonly string[] }

/** All must be answered yes; the first no decides. The reason of a permit is that of the last question. */
function askAll(policy: CompiledPolicy, questions: readonly Question[], ask: Ask): Verdict {
  const demands: Demands[] = []
  let reason = ''
  for (const question of questions) {
    const { permitted, rules } = ask(question)
    reason = firstOf(policy, rules) ?? `no-rule/${question}`
    if (!permitted) return { decision: false, reason, demands: [] }
    for (const rule of rules) demands.push(policy.demands.get(rule) ?? {})
  }
  return { decision: true, reason, demands: demands.filter((one) => Object.keys(one).length > 0) }
}

function firstOf(policy: CompiledPolicy, rules: readonly string[]): string | undefined {
  if (rules.length < 2) return rules[0]
  return policy.demands.keys().find((id) => rules.includes(id))
}

function rulingOf(verdict: Verdict, call: AccessCall, policy: string, proofWindowSeconds: number): Ruling {
  const { decision, reason, demands } = verdict
  if (demands.length === 0) return { decision, context: { reason }, policy }
  const conditions = joinDemands(demands, call, proofWindowSeconds)
  if (conditions === null) return { decision: false, context: { reason: 'no-rule/approvers' }, policy }
  return { decision, context: { reason, ...conditions }, policy }
}
