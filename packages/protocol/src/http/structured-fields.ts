import { trimWhere } from './headers.ts'

/**
 * Dictionaries of RFC 8941 as far as this protocol needs them: find one member, be sure that all the others are well-formed,
 * look into none of them. Patterns follow the grammar of RFC 8941, Section 3 and 4.2.
 */
const KEY = '[a-z*][a-z0-9_.*-]*'
const NUMBER = '-?(?:[0-9]{1,12}\\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])'
const STRING = '"(?:[ !#-\\[\\]-~]|\\\\["\\\\])*"'
const TOKEN = "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
const OCTETS = ':[A-Za-z0-9+/=]*:'
const BARE = `(?:${STRING}|${NUMBER}|${TOKEN}|${OCTETS}|\\?[01])`
const PARAMETERS = `(?:; *${KEY}(?:=${BARE})?)*`
const ITEM = BARE + PARAMETERS
const INNER_LIST = `\\( *(?:${ITEM}(?: +${ITEM})* *)?\\)${PARAMETERS}`

const MEMBER = new RegExp(`(${KEY})(?:=(${INNER_LIST}|${ITEM})|${PARAMETERS})`, 'y')
const SPACE = /[\t ]*/y
const COMMA = /,[\t ]*/y

/**
 * The text of member `key`, as written after `=`.
 * @returns `undefined` if there is none (or it has no value); `null` if the field is not a dictionary, which RFC 8941 says to
 *   ignore as a whole, or names the key twice, which a signer never does and two readers could read in two ways.
 */
export function dictionaryMember(field: string, key: string): string | undefined | null {
  const text = trimWhere(field, (code) => code === 0x20)
  let found: string | undefined
  let seen = false
  for (let at = 0; at < text.length; ) {
    MEMBER.lastIndex = at
    const member = MEMBER.exec(text)
    if (member === null) return null
    if (member[1] === key) {
      if (seen) return null
      seen = true
      found = member[2]
    }
    SPACE.lastIndex = MEMBER.lastIndex
    SPACE.test(text)
    if (SPACE.lastIndex === text.length) break
    COMMA.lastIndex = SPACE.lastIndex
    // A comma has to be there, and something after it.
    if (!COMMA.test(text) || COMMA.lastIndex === text.length) return null
    at = COMMA.lastIndex
  }
  return found
}

const CANONICAL_BARE = `(?:${STRING}|-?[1-9][0-9]{0,14}(?![0-9.])|0(?![0-9.])|${TOKEN}|${OCTETS})`
const CANONICAL_PARAMETERS = `(?:;${KEY}(?:=${CANONICAL_BARE})?)*`
const CANONICAL_ITEM = `${STRING}${CANONICAL_PARAMETERS}`
const CANONICAL = new RegExp(`^\\((?:${CANONICAL_ITEM}(?: ${CANONICAL_ITEM})*)?\\)${CANONICAL_PARAMETERS}$`)

/**
 * Whether a member of `Signature-Input` is an inner list of strings, written the one way in which RFC 8941, Section 4.1 writes
 * it. RFC 9421 signs members as serialised anew; text that passes needs no serialising.
 */
export function isSignatureInput(member: string): boolean {
  return CANONICAL.test(member)
}
