import { randomBytes } from 'node:crypto'

/** Colour never carries meaning alone: what it marks is also said. What it returns is for `Output` only, which makes colours of it. */
export interface Paint {
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
}

/** Another in each process, so that no text from elsewhere can hold a mark and be taken for colour. */
const MARK = `\x1b${randomBytes(16).toString('hex')}:`
const MARKED = new RegExp(`${MARK}([0-9]+);`, 'g')

const with_ = (code: number) => (text: string) => `${MARK}${code};${text}${MARK}0;`
const COLOURED: Paint = { strong: with_(1), faint: with_(2), good: with_(32), bad: with_(31), warn: with_(33) }
const same = (text: string): string => text
const PLAIN: Paint = { strong: same, faint: same, good: same, bad: same, warn: same }

/** Colour only on a terminal, and not where NO_COLOR (no-color.org) or TERM=dumb says no. */
export function paintFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const wanted = isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  return wanted ? COLOURED : PLAIN
}

/** What stands between the marks, each part changed by itself, and the marks as a terminal takes them. */
export function coloured(text: string, change: (part: string) => string): string {
  // Split by a pattern with one group: text and codes take turns.
  return text
    .split(MARKED)
    .map((part, i) => (i % 2 === 0 ? change(part) : `\x1b[${part}m`))
    .join('')
}

export function withoutMarks(text: string): string {
  return text.replace(MARKED, '')
}
