import { CliError } from './cli-error.ts'
import { fingerprint, shortId } from './ids.ts'
import { quoted } from './quoted.ts'

/** How a thing can be called: by its name, or by its id shortened to what is unambiguous. */
export interface Called<T> {
  readonly thing: T
  readonly id: string
  /** A label or file name; empty if it has none. */
  readonly name: string
}

/** What can be named on a command line, and where people see what there is. */
const LISTS = {
  key: 'keyferry key list',
  device: 'keyferry device list',
  transfer: 'keyferry transfer list',
  user: 'keyferry user pin',
  question: 'keyferry pending',
} as const
export type Kind = keyof typeof LISTS

/** Fewer digits than this are no id: they are a name with a slip. */
const LEAST_DIGITS = 4

/**
 * The one that was meant: a name exactly, else the beginning of an id or of a fingerprint (`…` at its end does not count).
 * @throws {CliError} `name-unknown`, `name-ambiguous`
 */
export function choose<T>(kind: Kind, typed: string, all: readonly Called<T>[]): T {
  const found = all.filter((each) => isCalled(each, typed))
  const named = found.filter(({ name }) => name === typed)
  const [first, second] = named.length > 0 ? named : found
  if (first === undefined) throw unknown(kind, typed, all)
  if (second !== undefined) throw ambiguous(kind, typed, named.length > 0 ? named : found)
  return first.thing
}

/** Whether a thing can be meant by what was typed. */
export function isCalled({ id, name }: Pick<Called<unknown>, 'id' | 'name'>, typed: string): boolean {
  if (name !== '' && name === typed) return true
  const begin = typed.replace(/…$/, '')
  return begin.length >= LEAST_DIGITS && (idBegins(id, begin) || fingerprintBegins(id, begin))
}

/** `8vcT…/0tpb` names a key id by the beginnings of its two parts; one part alone will do. */
function idBegins(id: string, begin: string): boolean {
  const [owner, key] = begin.split('…/')
  const second = id.split('/')[1] ?? ''
  if (key === undefined || owner === undefined) return id.startsWith(begin) || second.startsWith(begin)
  return id.startsWith(owner) && second.startsWith(key)
}

/** Devices and people are known by their thumbprints, which people read as hexadecimal digits in groups. */
function fingerprintBegins(id: string, begin: string): boolean {
  const digits = begin.replaceAll(' ', '').toLowerCase()
  if (!/^[\w-]{43}$/.test(id) || !/^[0-9a-f]{4,64}$/.test(digits)) return false
  return fingerprint(id).replaceAll(' ', '').startsWith(digits)
}

function unknown<T>(kind: Kind, typed: string, all: readonly Called<T>[]): CliError {
  const near = nearest(
    typed,
    all.map(({ name }) => name).filter((name) => name !== ''),
  )
  return new CliError('name-unknown', `there is no ${kind} "${typed}"`, {
    hint: near === null ? `see what there is: ${LISTS[kind]}` : `did you mean "${near}"?`,
  })
}

function ambiguous<T>(kind: Kind, typed: string, found: readonly Called<T>[]): CliError {
  const shown = found
    .slice(0, SHOWN)
    .map(({ id, name }) => (name === '' ? withKey(id) : `${quoted(name)} ${withKey(id)}`))
  const others = found.length > SHOWN ? `, and ${found.length - SHOWN} more` : ''
  // The digits before the slash are the same for all keys of one person.
  const [first] = found
  const part = first === undefined ? undefined : /\/(.{4})/.exec(first.id)?.[1]
  return new CliError('name-ambiguous', `"${typed}" can be ${found.length} of your ${kind}s`, {
    more: `${shown.join(', ')}${others}`,
    hint:
      part === undefined ? 'say its id, or more digits of it' : `say its label, or the digits behind the /, as ${part}`,
  })
}

const SHOWN = 6

/** A key id is long, and its beginning tells nothing apart. */
function withKey(id: string): string {
  return id.includes('/') ? shortId(id) : id
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
