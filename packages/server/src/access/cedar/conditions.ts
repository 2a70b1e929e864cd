import { KeyferryError, ownerOf, parseThumbprint, type UserId } from '@keyferry/protocol'
import type { AccessCall, AccessConditions, ProofMethod } from '../access-call.ts'

/** What the annotations of one permit demand, before it is known whom they mean in a given call. */
export interface Demands {
  readonly approvals?: {
    readonly count: number
    readonly from: readonly ('owner' | 'target-user' | UserId)[]
    readonly code: boolean
    readonly requesterToo: boolean
  }
  readonly code?: 'proof' | 'collect'
  readonly maxAgeSeconds?: number
  readonly method?: ProofMethod
}

const ANNOTATIONS = [
  'id',
  'description',
  'approvals',
  'approvers',
  'approval_code',
  'requester_may_approve',
  'code',
  'proof_max_age',
  'proof_method',
] as const
type Annotation = (typeof ANNOTATIONS)[number]

/**
 * Reads the annotations of a permit. One that is misspelt would be a condition that nobody checks, so it is an error.
 * @throws {KeyferryError} `malformed`
 */
export function readDemands(annotations: Readonly<Record<string, string>>): Demands {
  for (const name of Object.keys(annotations)) {
    if (!(ANNOTATIONS as readonly string[]).includes(name)) throw malformed(`@${name} is not known`)
  }
  const text = (name: Annotation): string | undefined => annotations[name]
  const count = whole('approvals', text('approvals'), 1)
  if (count === undefined) {
    for (const name of ['approvers', 'approval_code', 'requester_may_approve'] as const) {
      if (text(name) !== undefined) throw malformed(`@${name} needs @approvals`)
    }
  }
  const code = word('code', text('code'), ['proof', 'collect'])
  const maxAgeSeconds = whole('proof_max_age', text('proof_max_age'), 0)
  const method = word('proof_method', text('proof_method'), ['device-signature', 'access-signature', 'session'])
  return {
    ...(count === undefined
      ? {}
      : {
          approvals: {
            count,
            from: approvers(text('approvers') ?? 'owner'),
            code: word('approval_code', text('approval_code'), ['required']) !== undefined,
            requesterToo: word('requester_may_approve', text('requester_may_approve'), ['yes']) !== undefined,
          },
        }),
    ...(code === undefined ? {} : { code }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(method === undefined ? {} : { method }),
  }
}

function whole(name: Annotation, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : -1
  if (number < least) throw malformed(`@${name} needs a whole number from ${least}`)
  return number
}

function word<W extends string>(name: Annotation, text: string | undefined, words: readonly W[]): W | undefined {
  if (text === undefined) return undefined
  const found = words.find((candidate) => candidate === text)
  if (found === undefined) throw malformed(`@${name} is one of: ${words.join(', ')}`)
  return found
}

function approvers(text: string): ('owner' | 'target-user' | UserId)[] {
  return text.split(' ').map((name) => {
    if (name === 'owner' || name === 'target-user') return name
    try {
      return parseThumbprint(name)
    } catch {
      throw malformed('@approvers names owner, target-user and root ids, one space between them')
    }
  })
}

function malformed(message: string): KeyferryError {
  return new KeyferryError('malformed', message)
}

/**
 * Joins what several permits demand, so that whoever meets the result meets each of them: the shortest age, the most
 * approvals, out of those whom all of them name.
 * @returns `null` if nobody can: two methods of proof at once, or more approvals than people who may give them.
 */
export function joinDemands(all: readonly Demands[], call: AccessCall, maxAgeSeconds: number): AccessConditions | null {
  const methods = new Set(all.flatMap((demands) => demands.method ?? []))
  const approvals = joinApprovals(all, call)
  if (methods.size > 1 || approvals === null) return null
  const [method] = methods
  const ages = all.flatMap((demands) => demands.maxAgeSeconds ?? [])
  const codes = all.flatMap((demands) => demands.code ?? [])
  return {
    ...(approvals === undefined ? {} : { approvals }),
    // The code at the collection is the later one: it is asked for when the key is about to leave.
    ...(codes.length === 0 ? {} : { code: codes.includes('collect') ? 'collect' : 'proof' }),
    ...(ages.length === 0 && method === undefined
      ? {}
      : { proof: { maxAgeSeconds: Math.min(maxAgeSeconds, ...ages), ...(method === undefined ? {} : { method }) } }),
  }
}

function joinApprovals(all: readonly Demands[], call: AccessCall): AccessConditions['approvals'] | null | undefined {
  const demanded = all.flatMap((demands) => demands.approvals ?? [])
  if (demanded.length === 0) return undefined
  const lists = demanded.map((approvals) => peopleIn(approvals, call))
  const from = (lists[0] ?? []).filter((user) => lists.every((list) => list.includes(user)))
  const count = Math.max(...demanded.map((approvals) => approvals.count))
  if (from.length < count) return null
  return { count, from, ...(demanded.some((approvals) => approvals.code) ? { code: true } : {}) }
}

/** Root ids, none twice; the requester's own user only where the policy says so (PROTOCOL 6). */
function peopleIn(approvals: NonNullable<Demands['approvals']>, call: AccessCall): UserId[] {
  const { subject, resource, context } = call
  const requester = subject.type === 'user' ? subject.id : subject.properties?.user
  const people = approvals.from.flatMap((name) => {
    if (name === 'owner') return [ownerOf(resource.id)]
    if (name === 'target-user') return context.target === undefined ? [] : [context.target.user]
    return [name]
  })
  return [...new Set(people)].filter((user) => approvals.requesterToo || user !== requester)
}
