import { coloured } from './paint.ts'

/**
 * One line as it can be shown, whatever text from elsewhere (labels, names, reasons) stands in it: nothing moves the cursor, hides or
 * reorders what a person reads, or begins a line of its own. Every control, format or line separator shows as `\u{…}`; only colours
 * that this very process painted are colours.
 */
export function clean(line: string): string {
  return coloured(line, cleanText)
}

/** Text in which nothing was painted. */
export function cleanText(text: string): string {
  return text.replace(UNSEEN, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}

/** JSON as text: the same characters in their escaped form, so that it stays the same JSON. */
export function cleanJson(text: string): string {
  return text.replace(UNSEEN, (found) =>
    [...Array(found.length).keys()].map((i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  )
}

export function isClean(text: string): boolean {
  return text.search(UNSEEN) < 0
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
