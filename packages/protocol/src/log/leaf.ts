import { sha256 } from '#platform'
import type { DeliveryId, Ref, UserId } from '../ids/ids.ts'
import { toBase64url, utf8 } from '../json/base64url.ts'

/** What becomes a leaf (PROTOCOL 11), with what its tag is made of. `ref` of a decision = b64u SHA-256 of its record. */
export type LogLeaf =
  | { readonly typ: 'kf-device+jwt' | 'kf-device-set+jwt' | 'kf-grant+jwt'; readonly ref: Ref; readonly user: UserId }
  | { readonly typ: 'kf-user+jwt'; readonly ref: Ref; readonly username: string }
  | {
      readonly typ: 'kf-order+jwt' | 'kf-envelope+jws'
      readonly ref: Ref
      /** Root id that begins the key id. */
      readonly owner: UserId
      readonly dl: DeliveryId
    }
  | { readonly typ: 'kf-receipt+jwt'; readonly ref: Ref; readonly dstUser: UserId; readonly dl: DeliveryId }
  | { readonly typ: 'decision'; readonly ref: Ref; readonly dl: DeliveryId }
export type LeafTyp = LogLeaf['typ']

/** What a leaf is about, under its tag. */
export function leafSubject(leaf: LogLeaf): string {
  switch (leaf.typ) {
    case 'kf-device+jwt':
    case 'kf-device-set+jwt':
    case 'kf-grant+jwt':
      return leaf.user
    case 'kf-user+jwt':
      return leaf.username
    case 'kf-order+jwt':
    case 'kf-envelope+jws':
      return `${leaf.owner}\0${leaf.dl}`
    case 'kf-receipt+jwt':
      return `${leaf.dstUser}\0${leaf.dl}`
    case 'decision':
      return leaf.dl
  }
}

/** b64u of the first 16 octets of SHA-256(ASCII(origin) || 00 || subject): 22 characters. */
export function tagFor(origin: string, subject: string): string {
  return toBase64url(sha256(utf8(`${origin}\0${subject}`)).subarray(0, 16))
}

/** `<typ> <ref> <tag>`, one space each, no line end. */
export function leafText(typ: LeafTyp, ref: Ref, tag: string): string {
  return `${typ} ${ref} ${tag}`
}

/** The leaf of a statement or decision, as whoever verifies builds it too. Hashed by `leafHash(utf8(text))`. */
export function makeLeaf(origin: string, leaf: LogLeaf): string {
  return leafText(leaf.typ, leaf.ref, tagFor(origin, leafSubject(leaf)))
}

const LEAF =
  /^(kf-device\+jwt|kf-device-set\+jwt|kf-grant\+jwt|kf-user\+jwt|kf-order\+jwt|kf-envelope\+jws|kf-receipt\+jwt|decision) ([\w-]{42}[AEIMQUYcgkosw048]) ([\w-]{21}[AQgw])$/

/** Takes a leaf apart, as a monitor does; null if it is none of this version. */
export function parseLeaf(text: string): { typ: LeafTyp; ref: Ref; tag: string } | null {
  const found = LEAF.exec(text)
  if (found === null) return null
  return { typ: found[1] as LeafTyp, ref: found[2] as Ref, tag: found[3] as string }
}
