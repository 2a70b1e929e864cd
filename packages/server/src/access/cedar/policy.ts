import { createHash } from 'node:crypto'
import {
  type DetailedError,
  type PolicyJson,
  policySetTextToParts,
  policyToJson,
  validate,
} from '@cedar-policy/cedar-wasm/nodejs'
import { KeyferryError } from '@keyferry/protocol'
import { REASON_PATTERN } from '../access-call.ts'
import { type Demands, readDemands } from './conditions.ts'
import { type Path, readsOf } from './reads.ts'
import { POLICY_SCHEMA } from './schema.ts'

/** A policy that may be put in force: it parses, fits the schema, and each rule has an id and conditions that we know. */
export interface CompiledPolicy {
  readonly text: string
  /** b64u SHA-256 of the text in UTF-8. */
  readonly hash: string
  /** Text of each rule by its id, as Cedar takes it. */
  readonly rules: Readonly<Record<string, string>>
  /** What the permits demand, by id, in the order of the text: the first one that matches gives the reason. */
  readonly demands: ReadonlyMap<string, Demands>
  readonly reads: readonly Path[]
}

/**
 * Reads and validates Cedar text.
 * @throws {KeyferryError} `malformed`; its `cause` says to an administrator what is wrong, and may quote the text.
 */
export function compilePolicy(text: string): CompiledPolicy {
  const parts = policySetTextToParts(text)
  if (parts.type === 'failure') throw malformed(parts.errors.map(describe))
  if (parts.policy_templates.length > 0) throw malformed(['templates are not supported'])
  const rules: Record<string, string> = Object.create(null)
  const bodies: PolicyJson[] = []
  const demands = new Map<string, Demands>()
  for (const rule of inOrder(text, parts.policies)) {
    const parsed = policyToJson(rule)
    if (parsed.type === 'failure') throw malformed(parsed.errors.map(describe))
    const id = idOf(parsed.json)
    if (id in rules) throw malformed([`two policies have the id ${id}`])
    rules[id] = rule
    bodies.push(parsed.json)
    demands.set(id, demandsOf(id, parsed.json))
  }
  const answer = validate({ schema: POLICY_SCHEMA, policies: { staticPolicies: rules } })
  const problems = answer.type === 'failure' ? answer.errors : answer.validationErrors.map((found) => found.error)
  if (problems.length > 0) throw malformed(problems.map(describe))
  const hash = createHash('sha256').update(text).digest('base64url')
  return { text, hash, rules, demands, reads: readsOf(bodies) }
}

/** Cedar hands the rules back sorted by a number as text (`policy10` before `policy2`); each is a piece of the text. */
function inOrder(text: string, rules: readonly string[]): readonly string[] {
  return rules.toSorted((a, b) => text.indexOf(a) - text.indexOf(b))
}

function idOf(rule: PolicyJson): string {
  const id = rule.annotations?.id
  if (id === undefined) throw malformed(['a policy has no @id("..."): people see it as the reason'])
  if (id.length > 128 || !REASON_PATTERN.test(id))
    throw malformed([`@id("${id}"): use words of a-z, 0-9 and -, parted by /`])
  return id
}

function demandsOf(id: string, rule: PolicyJson): Demands {
  try {
    const demands = readDemands(rule.annotations ?? {})
    if (rule.effect === 'forbid' && Object.keys(demands).length > 0)
      throw malformed(['a forbid has no conditions to meet'])
    return demands
  } catch (error) {
    throw malformed([`${id}: ${error instanceof KeyferryError ? error.message : 'annotations'}`])
  }
}

function describe(error: DetailedError): string {
  return error.help === null ? error.message : `${error.message} (${error.help})`
}

function malformed(problems: readonly string[]): KeyferryError {
  return new KeyferryError('malformed', 'the policy is not valid', {}, { cause: new Error(problems.join('\n')) })
}
