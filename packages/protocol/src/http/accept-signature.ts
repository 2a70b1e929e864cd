import { KeyferryError } from '../errors.ts'

/**
 * How a server asks a device without a clock for a nonce of its own (PROTOCOL 4): the value of `Accept-Signature`, which names
 * two components although the whole request set is to be covered.
 * @param nonce - b64u of 16 random octets, single use, good for 60 s.
 */
export function acceptSignature(nonce: string): string {
  return `kf=("@method" "@target-uri");created;expires;keyid;nonce="${nonce}";tag="kf-req-1"`
}

const ASKED =
  /^kf=\("@method" "@target-uri"\);created;expires;keyid;nonce="((?:[\w-]{4}){5,}[\w-]{2,4})";tag="kf-req-1"$/

/**
 * The nonce that an `Accept-Signature` asks for.
 * @throws {KeyferryError} `response-invalid` if it is written in another way.
 */
export function readAcceptSignature(value: string): string {
  const nonce = ASKED.exec(value)?.[1]
  if (nonce === undefined) throw new KeyferryError('response-invalid', 'Accept-Signature is not of the profile')
  return nonce
}
