import { isClean } from '../console/clean.ts'

/** A key as a terminal can show it: text as it is, with a final line end; other octets in base64. */
export function revealed(content: Uint8Array): { readonly shown: Buffer; readonly asBase64: boolean } {
  const text = textOf(content)
  if (text?.split('\n').every(isClean) === true) {
    return { shown: Buffer.from(text.endsWith('\n') ? text : `${text}\n`), asBase64: false }
  }
  return { shown: Buffer.from(`${Buffer.from(content).toString('base64')}\n`), asBase64: true }
}

function textOf(content: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return null
  }
}
