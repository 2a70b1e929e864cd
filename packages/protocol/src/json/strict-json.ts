import { KeyferryError } from '../errors.ts'
import { fromUtf8 } from './base64url.ts'

export type JsonValue = string | number | boolean | JsonValue[] | { [name: string]: JsonValue }

const MAX_DEPTH = 16
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what JSON forbids in strings (RFC 8259, Section 7)
const PLAIN = /[^"\\\u0000-\u001f]*/y
const INTEGER = /(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y
const SPACE = /[ \t\n\r]*/y
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Parses the strict JSON of PROTOCOL 1: no duplicate names after unescaping, no `__proto__`, no lone surrogates, integers in
 * 0..2^53-1 without sign, fraction or exponent, no `null`, depth at most 16, nothing after the value. Objects come without
 * a prototype, so that a member is there only if it was written.
 * @throws {KeyferryError} `malformed`
 */
export function parseStrictJson(octets: Uint8Array): JsonValue {
  return new Reader(fromUtf8(octets)).document()
}

class Reader {
  readonly #text: string
  #at = 0
  constructor(text: string) {
    this.#text = text
  }

  document(): JsonValue {
    const value = this.#value(1)
    this.#space()
    if (this.#at !== this.#text.length) throw malformed('something follows the value')
    return value
  }

  #space(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  #value(depth: number): JsonValue {
    this.#space()
    const first = this.#text.charAt(this.#at)
    if (first === '"') return this.#string()
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first >= '0' && first <= '9') return this.#integer()
    if (this.#take('true')) return true
    if (this.#take('false')) return false
    throw malformed('not a strict JSON value')
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  #object(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw malformed('nested too deeply')
    this.#at++
    const object: { [name: string]: JsonValue } = Object.create(null)
    this.#space()
    if (this.#take('}')) return object
    for (;;) {
      this.#space()
      if (this.#text.charAt(this.#at) !== '"') throw malformed('a member needs a name')
      const name = this.#string()
      if (name === '__proto__') throw malformed('a member has a forbidden name')
      if (name in object) throw malformed('a member stands twice')
      this.#space()
      if (!this.#take(':')) throw malformed('a member needs a colon')
      object[name] = this.#value(depth + 1)
      this.#space()
      if (this.#take('}')) return object
      if (!this.#take(',')) throw malformed('members need a comma')
    }
  }

  #array(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw malformed('nested too deeply')
    this.#at++
    const array: JsonValue[] = []
    this.#space()
    if (this.#take(']')) return array
    for (;;) {
      array.push(this.#value(depth + 1))
      this.#space()
      if (this.#take(']')) return array
      if (!this.#take(',')) throw malformed('elements need a comma')
    }
  }

  #integer(): number {
    INTEGER.lastIndex = this.#at
    const found = INTEGER.exec(this.#text)
    const number = Number(found?.[0])
    if (found === null || !Number.isSafeInteger(number)) throw malformed('not an integer in range')
    this.#at = INTEGER.lastIndex
    return number
  }

  #string(): string {
    this.#at++
    let value = ''
    let escaped = false
    for (;;) {
      PLAIN.lastIndex = this.#at
      PLAIN.test(this.#text)
      value += this.#text.slice(this.#at, PLAIN.lastIndex)
      this.#at = PLAIN.lastIndex
      const stop = this.#text.charAt(this.#at++)
      if (stop === '"') break
      if (stop !== '\\') throw malformed('a string is not closed')
      escaped = true
      value += this.#escape()
    }
    // Octets were valid UTF-8, so only an escape can bring a lone surrogate.
    if (escaped && !value.isWellFormed()) throw malformed('a lone surrogate')
    return value
  }

  #escape(): string {
    const kind = this.#text.charAt(this.#at++)
    const simple = Object.hasOwn(ESCAPES, kind) ? ESCAPES[kind] : undefined
    if (simple !== undefined) return simple
    const hex = this.#text.slice(this.#at, this.#at + 4)
    if (kind !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) throw malformed('not an escape')
    this.#at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }
}

function malformed(message: string): KeyferryError {
  return new KeyferryError('malformed', message)
}
