import { CliError } from './cli-error.ts'

/** How a thing can be called: by its name, or by its id shortened to what is unambiguous. */
export interface Called<T> {
  readonly thing: T
  readonly id: string
  /** A label or file name; empty if it has none. */
  readonly name: string
}

/**
 * The one that was meant: a name exactly, else the beginning of an id (`…` at its end does not count).
 * @param kind - what it is, as `key`, for the error.
 * @throws {CliError} `name-unknown`, `name-ambiguous`
 */
export function choose<T>(kind: string, typed: string, all: readonly Called<T>[]): T {
  const named = all.filter(({ name }) => name !== '' && name === typed)
  const begin = typed.replace(/…$/, '')
  const found = named.length > 0 || begin.length < 4 ? named : all.filter(({ id }) => idBegins(id, begin))
  const [first, second] = found
  if (first === undefined) throw unknown(kind, typed, all)
  if (second !== undefined) throw ambiguous(kind, typed, found)
  return first.thing
}

/** `8vcT…/0tpb` names a key id by the beginnings of its two parts. */
function idBegins(id: string, begin: string): boolean {
  const [owner, key] = begin.split('…/')
  if (key === undefined || owner === undefined) return id.startsWith(begin)
  return id.startsWith(owner) && (id.split('/')[1] ?? '').startsWith(key)
}

function unknown<T>(kind: string, typed: string, all: readonly Called<T>[]): CliError {
  const near = nearest(
    typed,
    all.map(({ name }) => name).filter((name) => name !== ''),
  )
  return new CliError('name-unknown', `there is no ${kind} "${typed}"`, {
    hint: near === null ? `see what there is: keyferry ${kind} list` : `did you mean "${near}"?`,
  })
}

function ambiguous<T>(kind: string, typed: string, found: readonly Called<T>[]): CliError {
  return new CliError('name-ambiguous', `"${typed}" can be ${found.length} of your ${kind}s`, {
    more: found.map(({ id, name }) => (name === '' ? id : `${name} ${id}`)).join(', '),
    hint: 'say its id, or more digits of it',
  })
}

/** The name that is at most two slips away. */
export function nearest(typed: string, names: readonly string[]): string | null {
  const ranked = names.map((name) => ({ name, slips: distance(typed.toLowerCase(), name.toLowerCase()) }))
  const best = ranked.toSorted((a, b) => a.slips - b.slips)[0]
  return best !== undefined && best.slips <= Math.min(2, typed.length - 1) ? best.name : null
}

/** Levenshtein: insertions, deletions, replacements. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
