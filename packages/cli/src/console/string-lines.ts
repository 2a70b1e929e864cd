import type { System } from '../system.ts'

/**
 * A string for another machine, as lines of an answer: set apart on a terminal, with a QR code where that fits; just itself into a pipe
 * or file, so that a script has it by `$(keyferry ...)`.
 */
export async function stringLines({ stdout }: Pick<System, 'stdout'>, text: string): Promise<readonly string[]> {
  if (!stdout.isTTY) return [text]
  const { qrLines } = await import('./qr.ts')
  const qr = qrLines(text, stdout.columns)
  return [`    ${text}`, ...(qr === null ? [] : ['', ...qr])]
}
