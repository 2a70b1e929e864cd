/**
 * Whether two values are *equal* (PROTOCOL 1): the same JSON value; member order does not count; absent equals only absent.
 */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && equalArrays(a, b)
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equalJson(memberOf(a, name), memberOf(b, name)))
  )
}

function equalArrays(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((element, i) => equalJson(element, b[i]))
}

function memberOf(object: object, name: string): unknown {
  return (object as Record<string, unknown>)[name]
}
