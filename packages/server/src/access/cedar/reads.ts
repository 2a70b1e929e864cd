import type { Context, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

/** A member of `context` that a policy reads: `['target', 'user']`. Empty: the whole of it. */
export type Path = readonly string[]

/**
 * Which facts a policy set reads. Two calls that agree in these get the same answer, so a decision can be kept under them
 * alone: under the delivery, the time or the proof only if some policy looks at them.
 */
export function readsOf(policies: readonly PolicyJson[]): readonly Path[] {
  const found = new Map<string, Path>()
  for (const policy of policies) collect(policy.conditions, found)
  return [...found.values()]
}

/** The expressions of Cedar's JSON form are nested objects: whatever holds `{"Var":"context"}` is seen here. */
function collect(node: unknown, found: Map<string, Path>): void {
  if (typeof node !== 'object' || node === null) return
  const path = pathOf(node)
  if (path !== null) found.set(path.join('.'), path)
  else for (const child of Object.values(node)) collect(child, found)
}

/** The chain of `.` and `has` that ends at `context`, or null if this node is something else. */
function pathOf(node: object): Path | null {
  if ('Var' in node) return node.Var === 'context' ? [] : null
  const step = '.' in node ? node['.'] : 'has' in node ? node.has : null
  if (typeof step !== 'object' || step === null || !('left' in step) || !('attr' in step)) return null
  const left = typeof step.left === 'object' && step.left !== null ? pathOf(step.left) : null
  if (left === null) return null
  return [...left, ...(Array.isArray(step.attr) ? step.attr.map(String) : [String(step.attr)])]
}

/** Those facts only. Cedar is quicker with few of them, and a decision is kept under them. */
export function seenFacts(facts: Context, paths: readonly Path[]): Context {
  const seen: Context = {}
  for (const path of paths) {
    if (path.length === 0) return facts
    copy(facts, seen, path)
  }
  return seen
}

function copy(from: Context, to: Context, path: Path): void {
  const [name, ...rest] = path
  const value = name === undefined ? undefined : from[name]
  if (name === undefined || value === undefined) return
  const inner = to[name] ?? {}
  if (rest.length === 0 || !isRecord(value) || !isRecord(inner)) to[name] = value
  else if (inner !== value) {
    to[name] = inner
    copy(value, inner, rest)
  }
}

function isRecord(value: unknown): value is Context {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
