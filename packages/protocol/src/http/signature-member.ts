import { KeyferryError } from '../errors.ts'
import { fromBase64 } from '../json/base64url.ts'
import type { HeaderReader } from './headers.ts'
import { dictionaryMember, isSignatureInput } from './structured-fields.ts'

/** Parameters of PROTOCOL 4. Those that are absent are undefined; none stands twice. */
export interface SignatureParameters {
  created: number | undefined
  expires: number | undefined
  nonce: string | undefined
  keyid: string | undefined
  tag: string | undefined
}

/** Member `kf` of `Signature-Input` whose parameters are of the profile; its components are not looked at yet. */
export interface SignatureMember {
  /** As it stands in the field: the value of `@signature-params`. */
  readonly text: string
  /** Component identifiers as written, quotes and parameters included. */
  readonly components: readonly string[]
  readonly parameters: Readonly<SignatureParameters>
  readonly signature: Uint8Array
}

const LABEL = 'kf'
const PREFIX = 'kf='
const ONLY_SIGNATURE = /^kf=(:[A-Za-z0-9+/]+={0,2}:)$/
const OCTETS = /^:[A-Za-z0-9+/]+={0,2}:$/
const COMPONENT = '"[@a-z-]+"(?:;req)?(?:;key="kf")?'
const COMPONENTS = new RegExp(`\\((${COMPONENT}(?: ${COMPONENT})*)\\)`, 'y')
const PARAMETER = /;(?:(created|expires)=(0|[1-9][0-9]{0,14})|(nonce|keyid|tag)="([ !#-[\]-~]*)")/y

/**
 * Reads the member `kf` of `Signature-Input` and `Signature`. Other labels may stand beside it and are ignored.
 * The usual fields hold nothing else and are not looked through a second time.
 * @throws {KeyferryError} `signature-missing`: no well-formed member `kf` in both fields; `signature-invalid`: not our profile.
 */
export function readSignatureMember(headers: HeaderReader): SignatureMember {
  const inputField = headers('signature-input')
  const signatureField = headers('signature')
  if (inputField === undefined || signatureField === undefined) throw missing()
  const octets = ONLY_SIGNATURE.exec(signatureField)?.[1] ?? dictionaryMember(signatureField, LABEL)
  if (!octets || !OCTETS.test(octets)) throw missing()
  const only = inputField.startsWith('kf=("') ? readInput(inputField, PREFIX.length) : null
  if (only !== null) return { ...only, signature: decode(octets) }
  const text = kfMember(inputField)
  if (text === null) throw missing()
  const input = readInput(text, 0)
  if (input === null) throw new KeyferryError('signature-invalid', 'the signature is not of the profile')
  return { ...input, signature: decode(octets) }
}

/** The well-formed member `kf` of a `Signature-Input` field, whatever it says: what an answer has to cover (PROTOCOL 4). */
export function kfMember(inputField: string): string | null {
  const text = dictionaryMember(inputField, LABEL)
  return text !== undefined && text !== null && isSignatureInput(text) ? text : null
}

/** Reads from `start` to the end of `field`; null if anything there is not of the profile. */
function readInput(field: string, start: number): Omit<SignatureMember, 'signature'> | null {
  COMPONENTS.lastIndex = start
  const components = COMPONENTS.exec(field)?.[1]?.split(' ')
  if (components === undefined) return null
  const parameters: SignatureParameters = {
    created: undefined,
    expires: undefined,
    nonce: undefined,
    keyid: undefined,
    tag: undefined,
  }
  let at = COMPONENTS.lastIndex
  while (at < field.length) {
    PARAMETER.lastIndex = at
    const found = PARAMETER.exec(field)
    if (found === null) return null
    at = PARAMETER.lastIndex
    if (found[1] !== undefined) {
      const name = found[1] as 'created' | 'expires'
      if (parameters[name] !== undefined) return null
      parameters[name] = Number(found[2])
    } else {
      const name = found[3] as 'nonce' | 'keyid' | 'tag'
      if (parameters[name] !== undefined) return null
      parameters[name] = found[4]
    }
  }
  return { text: field.slice(start), components, parameters }
}

function decode(octets: string): Uint8Array {
  try {
    return fromBase64(octets.slice(1, -1))
  } catch {
    throw missing()
  }
}

function missing(): KeyferryError {
  return new KeyferryError('signature-missing', 'there is no well-formed signature kf')
}
