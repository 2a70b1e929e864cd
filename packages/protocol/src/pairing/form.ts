import { KeyferryError } from '../errors.ts'

/** Longer than any string of section 3: a name of 128 octets, a vkey and an origin of 1024 each, all percent-encoded. */
const MAX_CHARACTERS = 16_384

/**
 * Reads `<scheme>:?a=..&b=..`, form-encoded, in any order (PROTOCOL 3).
 * @param names - the parameters there are: `true` for those that must stand there.
 * @throws {KeyferryError} `malformed`: another scheme, a parameter unknown, missing, twice or not encoded as a form is.
 */
export function readForm(scheme: string, text: string, names: Readonly<Record<string, boolean>>): Map<string, string> {
  const prefix = `${scheme}:?`
  if (!text.startsWith(prefix) || text.length > MAX_CHARACTERS) throw malformed(`not a ${scheme}: string`)
  const values = new Map<string, string>()
  for (const pair of text.slice(prefix.length).split('&')) {
    const [, name = '', value = ''] = /^([a-z]+)=([!-~]*)$/.exec(pair) ?? []
    if (!Object.hasOwn(names, name)) throw malformed('a parameter is not known')
    if (values.has(name)) throw malformed('a parameter stands twice')
    values.set(name, decode(value))
  }
  for (const [name, required] of Object.entries(names)) {
    if (required && !values.has(name)) throw malformed(`parameter ${name} is missing`)
  }
  return values
}

export function writeForm(scheme: string, values: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return `${scheme}:?${pairs.join('&')}`
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    throw malformed('a parameter is not form-encoded')
  }
}

function malformed(message: string): KeyferryError {
  return new KeyferryError('malformed', message)
}
