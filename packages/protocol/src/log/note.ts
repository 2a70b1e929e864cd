import { equalOctets, verifySignature } from '#platform'
import { KeyferryError } from '../errors.ts'
import type { Signer } from '../jose/signer.ts'
import { concatOctets, fromBase64, toBase64, utf8 } from '../json/base64url.ts'
import { NOTE_KEY_NAME, type Vkey } from './vkey.ts'

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string
  /** 4 octets. With `name` it says which key. */
  readonly keyId: Uint8Array
  /** What follows the key id. */
  readonly octets: Uint8Array
}

/** A signed note of C2SP taken apart; nothing is verified. */
export interface SignedNote {
  /** As received. */
  readonly note: string
  /** What is signed: with its last line end, without the blank line after it. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** C2SP asks for 16 at least. */
const MAX_SIGNATURES = 100
const SIGNATURE_LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/

/** @throws {KeyferryError} `malformed` */
export function readNote(note: string): SignedNote {
  const blank = note.lastIndexOf('\n\n')
  if (blank < 0 || !note.endsWith('\n') || !note.isWellFormed() || hasControls(note)) throw malformed()
  const lines = note.slice(blank + 2, -1).split('\n', MAX_SIGNATURES + 1)
  if (lines.length > MAX_SIGNATURES) throw malformed()
  return { note, text: note.slice(0, blank + 1), signatures: lines.map(readLine) }
}

function hasControls(note: string): boolean {
  for (let i = 0; i < note.length; i++) {
    const code = note.charCodeAt(i)
    if (code < 0x20 && code !== 0x0a) return true
  }
  return false
}

function readLine(line: string): NoteSignature {
  const [, name, base64] = SIGNATURE_LINE.exec(line) ?? []
  if (name === undefined || base64 === undefined || !NOTE_KEY_NAME.test(name)) throw malformed()
  const octets = fromBase64(base64)
  if (octets.length < 5) throw malformed()
  return { name, keyId: octets.slice(0, 4), octets: octets.slice(4) }
}

/** The signatures that are said to be by this key. */
export function signaturesBy(note: SignedNote, vkey: Vkey): NoteSignature[] {
  return note.signatures.filter((line) => line.name === vkey.name && equalOctets(line.keyId, vkey.keyId))
}

/**
 * Whether the log key signed this note.
 * @returns `absent` if no line is said to be by it; `wrong` if one of those does not verify.
 */
export async function verifyNote(note: SignedNote, vkey: Vkey): Promise<'good' | 'absent' | 'wrong'> {
  if (vkey.use !== 'log') return 'absent'
  const lines = signaturesBy(note, vkey)
  for (const line of lines) {
    if (!(await verifySignature(vkey.jwk, line.octets, utf8(note.text)))) return 'wrong'
  }
  return lines.length === 0 ? 'absent' : 'good'
}

/** A signature line, with its line end. */
export function signatureLine(vkey: Vkey, octets: Uint8Array): string {
  return `— ${vkey.name} ${toBase64(concatOctets(vkey.keyId, octets))}\n`
}

/**
 * Signs a text with the log key.
 * @param text - ends with a line end.
 * @throws {KeyferryError} `malformed` if the text cannot stand in a note.
 */
export async function signNote(text: string, vkey: Vkey, signer: Signer): Promise<string> {
  const note = `${text}\n${signatureLine(vkey, await signer.sign(utf8(text)))}`
  if (readNote(note).text !== text) throw malformed()
  return note
}

function malformed(): KeyferryError {
  return new KeyferryError('malformed', 'not a signed note')
}
