/**
 * Text from elsewhere (labels, names, reasons) as it can be shown: nothing in it moves the cursor, hides or reorders what a person
 * reads. Line ends and the few colour codes of `paint.ts` stay; every other control, format or line separator shows as `\u{…}`.
 */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  return text.replace(/\x1b\[(?:0|1|2|31|32|33)m|\n|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    found === '\n' || found.length > 2 ? found : `\\u{${found.codePointAt(0)?.toString(16)}}`,
  )
}
