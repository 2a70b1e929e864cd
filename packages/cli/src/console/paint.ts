/** Colour never carries meaning alone: what it marks is also said. */
export interface Paint {
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
}

/** `clean.ts` lets exactly these codes through. */
const with_ = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`
const COLOURED: Paint = { strong: with_(1), faint: with_(2), good: with_(32), bad: with_(31), warn: with_(33) }
const same = (text: string): string => text
const PLAIN: Paint = { strong: same, faint: same, good: same, bad: same, warn: same }

/** Colour only on a terminal, and not where NO_COLOR (no-color.org) or TERM=dumb says no. */
export function paintFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const wanted = isTerminal && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb'
  return wanted ? COLOURED : PLAIN
}
