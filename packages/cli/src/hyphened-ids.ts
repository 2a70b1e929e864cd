/**
 * One id in 64 begins with a hyphen, and would be taken for an option. Such a word goes through the grammar behind a NUL, which no
 * argument can hold, and comes out as it was typed. Full ids and the short forms that we show are known; a bare prefix needs `--` before it.
 */
const MARK = '\0'
/** 43 characters of b64u, with the 26 digits of a key id or without; or shown short, as `-L6D…` and `-L6D…/280g`. */
const HYPHENED_ID = /^-[A-Za-z0-9_-]{3}(?:[A-Za-z0-9_-]{39}(?:\/[0-9a-hjkmnp-tv-z]{26})?|…(?:\/[0-9a-z]{4})?)$/

export function markHyphenedIds(argv: readonly string[]): string[] {
  return argv.map((word) => (HYPHENED_ID.test(word) ? MARK + word : word))
}

/** What was typed, in whatever the grammar made of it: a word, a list of words, options by name. */
export function withoutMarks<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll(MARK, '') as T
  if (Array.isArray(value)) return value.map(withoutMarks) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutMarks(member)])) as T
}
