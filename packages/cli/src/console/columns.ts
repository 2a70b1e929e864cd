import { cleanText } from './clean.ts'
import { withoutMarks } from './paint.ts'

/** Rows as aligned columns, two spaces apart; nothing trails. */
export function columns(rows: readonly (readonly string[])[], indent = ''): readonly string[] {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, i) => Math.max(widest[i] ?? 0, width(cell))), [])
  return rows.map((row) =>
    (indent + row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell))).join('  ')).trimEnd(),
  )
}

/** Characters that take a place: colours do not, combining marks do not. Wide East Asian characters count as two. */
export function width(text: string): number {
  const shown = cleanText(withoutMarks(text)).replace(/\p{Mn}/gu, '')
  let count = 0
  for (const character of shown)
    count += /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(
      character,
    )
      ? 2
      : 1
  return count
}
