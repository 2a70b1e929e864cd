import {
  checkpointMark,
  consistencyRanges,
  cosignatureLine,
  type DeviceId,
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  grantStatement,
  hpke7,
  type InclusionProof,
  inclusionRanges,
  type KeyTransferAnswer,
  type KeyTransferInfo,
  type LeafRange,
  type LogLeaf,
  leafHash,
  makeLeaf,
  makeNotice,
  nodeHash,
  noticeStatement,
  type OrderPayload,
  orderStatement,
  type Ref,
  readEnvelope,
  receiptStatement,
  type Signer,
  type Statement,
  signCheckpoint,
  signEnvelope,
  signStatement,
  type TransportKeyInfo,
  type TreeHead,
  toBase64url,
  userStatement,
  utf8,
  type WrappedJwe,
} from '../../packages/protocol/src/index.ts'
import { hpke7WithFixedEphemeralKey } from '../../packages/protocol/src/suites/hpke-7-deterministic.ts'
import { wrapWith } from '../../packages/protocol/src/suites/wrapped.ts'
import {
  application,
  CT,
  ca,
  DAY,
  DEADLINE,
  DL,
  type ExampleTransportKey,
  KEY,
  KEY_OCTETS,
  log,
  luisRoot,
  luisTablet,
  martaPhone,
  martaPhoneEnc,
  martaRoot,
  NOW,
  NT,
  ORIGIN,
  server,
  signer,
  TR,
  transportKey,
  witness,
} from './example.ts'

/** Everything that is said in the story, made once. */

const ISSUED = NOW - DAY

export async function deviceOf(
  device: Signer,
  user: Signer,
  members: Partial<DevicePayload>,
): Promise<Statement<DevicePayload>> {
  return signStatement(deviceStatement, device, {
    v: 1,
    origin: ORIGIN,
    user: user.id,
    jwk: device.jwk,
    seq: 1,
    iat: ISSUED,
    exp: ISSUED + 90 * DAY,
    kind: 'software',
    enc: [],
    wrap: [{ alg: 'HPKE-7', exposure: 'software' }],
    ...members,
  })
}

async function setOf(
  root: Signer,
  devices: DeviceSetPayload['devices'],
  members: Partial<DeviceSetPayload> = {},
): Promise<Statement<DeviceSetPayload>> {
  return signStatement(deviceSetStatement, root, {
    v: 1,
    origin: ORIGIN,
    user: root.id,
    root: root.jwk,
    seq: 1,
    iat: ISSUED,
    exp: ISSUED + 7 * DAY,
    devices,
    revoked: [],
    ...members,
  })
}

export const tabletStatement = await deviceOf(luisTablet, luisRoot, { kind: 'uicc' })
export const phoneStatement = await deviceOf(martaPhone, martaRoot, {
  kind: 'ese',
  enc: [{ jwk: martaPhoneEnc.jwk, alg: 'HPKE-7', nbf: ISSUED, exp: ISSUED + 90 * DAY, exposure: 'host-transient' }],
  access: signer('marta phone access').jwk,
})
export const luisSet = await setOf(luisRoot, [
  { id: luisTablet.id, jwk: luisTablet.jwk, kind: 'uicc', roles: ['source', 'target'] },
])
export const martaSet = await setOf(
  martaRoot,
  [{ id: martaPhone.id, jwk: martaPhone.jwk, kind: 'ese', roles: ['source', 'target', 'order'], seq: 1 }],
  { trust: { cas: [ca.id], witnesses: [witness.vkey.text], quorum: 1, log: log.vkey.text } },
)

/** A rotation of another user: her second set hands over, the third is by the new root. */
const rosaRoot = signer('rosa root')
const rosaRoot2 = signer('rosa root 2')
const rosaSet = await setOf(rosaRoot, [])
export const handoverSet = await setOf(rosaRoot, [], { seq: 2, prev: rosaSet.ref, next: rosaRoot2.jwk })
export const successorSet = await setOf(rosaRoot2, [], {
  user: rosaRoot.id,
  seq: 3,
  prev: handoverSet.ref,
  revoked: [{ id: signer('rosa phone').id as DeviceId, at: ISSUED }],
  handovers: [handoverSet.text],
})

export const martaName = await signStatement(userStatement, ca, {
  v: 1,
  origin: ORIGIN,
  ca: ca.jwk,
  username: 'marta',
  user: martaRoot.id,
  iat: ISSUED,
  exp: ISSUED + 90 * DAY,
})
export const grant = await signStatement(grantStatement, luisRoot, {
  v: 1,
  origin: ORIGIN,
  user: luisRoot.id,
  grantee: { ...application.jwk },
  keys: [KEY.id],
  classes: [],
  sources: [luisTablet.id],
  to: { own: true, users: [martaRoot.id], cas: [ca.id] },
  algs: ['HPKE-7'],
  minExposure: { source: 'software', target: 'host-transient' },
  perDay: 10,
  iat: ISSUED,
  exp: ISSUED + 398 * DAY,
})
/** Octet by octet the order of 2.4. */
const orderPayload: OrderPayload = {
  v: 1,
  iss: luisTablet.id,
  origin: ORIGIN,
  tr: TR,
  dl: DL,
  attempt: 1,
  key: KEY,
  src: luisTablet.id,
  dst: martaPhone.id,
  dstUser: martaRoot.id,
  mechanism: 'public-key',
  alg: 'HPKE-7',
  kid: martaPhoneEnc.kid,
  container: CT,
  minExposure: { source: 'software', target: 'host-transient' },
  redelivery: false,
  iat: 1_795_514_400,
  exp: DEADLINE,
}
export const order = await signStatement(orderStatement, luisTablet, orderPayload)
export const grantedOrder = await signStatement(orderStatement, application, {
  ...orderPayload,
  iss: application.id,
  grant: grant.ref,
})

/** Leaves so far: what KtI proves. */
const firstLeaves: LogLeaf[] = [
  { typ: 'kf-device-set+jwt', ref: luisSet.ref, user: luisRoot.id },
  { typ: 'kf-device+jwt', ref: tabletStatement.ref, user: luisRoot.id },
  { typ: 'kf-device-set+jwt', ref: martaSet.ref, user: martaRoot.id },
  { typ: 'kf-device+jwt', ref: phoneStatement.ref, user: martaRoot.id },
  { typ: 'kf-user+jwt', ref: martaName.ref, username: 'marta' },
]
const firstHead = headOf(firstLeaves)
export const firstCheckpoint = await noteOf(firstHead, NOW - 60)

export const kti: TransportKeyInfo = {
  v: 1,
  origin: ORIGIN,
  tr: TR,
  dl: DL,
  attempt: 1,
  deadline: DEADLINE,
  key: KEY,
  container: CT,
  source: { device: luisTablet.id, set: luisSet.ref, statement: tabletStatement.ref },
  target: {
    device: martaPhone.id,
    user: martaRoot.id,
    username: 'marta',
    set: martaSet.ref,
    statement: phoneStatement.ref,
  },
  mechanism: 'public-key',
  options: [{ alg: 'HPKE-7', kid: martaPhoneEnc.kid }],
  minExposure: { source: 'software', target: 'host-transient' },
  redelivery: false,
  maxBytes: 49_152,
  statements: textsOf([luisSet, tabletStatement, martaSet, phoneStatement, martaName]),
  checkpoint: firstCheckpoint,
  proofs: proofsIn(firstLeaves),
}

export const binding: KeyTransferInfo = {
  v: 1,
  origin: ORIGIN,
  order: order.ref,
  tr: TR,
  dl: DL,
  attempt: 1,
  src: luisTablet.id,
  dst: martaPhone.id,
  dstUser: martaRoot.id,
  mechanism: 'public-key',
  alg: 'HPKE-7',
  kid: martaPhoneEnc.kid,
  key: KEY,
  container: CT,
  exposure: 'software',
  srcSet: luisSet.ref,
  dstSet: martaSet.ref,
  dstStatement: phoneStatement.ref,
  checkpoint: checkpointMark(firstHead),
  iat: NOW,
  exp: DEADLINE,
  nonce: 'j8Fn_FIKK0MOSVtddM3JjA',
}
export const bindingOctets: Uint8Array = utf8(JSON.stringify(binding))
export const EPHEMERAL = 'ephemeral 1'
export const wrapped = await wrapFor(martaPhoneEnc, EPHEMERAL, KEY_OCTETS, bindingOctets)
export const envelopeOctets: Uint8Array = await signEnvelope(luisTablet, {
  order: order.text,
  binding: bindingOctets,
  wrapped,
})
export const envelope = readEnvelope(envelopeOctets)

const secondLeaves: LogLeaf[] = [
  ...firstLeaves,
  { typ: 'kf-order+jwt', ref: order.ref, owner: luisRoot.id, dl: DL },
  { typ: 'kf-envelope+jws', ref: envelope.ref, owner: luisRoot.id, dl: DL },
]
const secondHead = headOf(secondLeaves)
export const secondCheckpoint = await noteOf(secondHead, NOW + 60)

export const t2Answer: KeyTransferAnswer = {
  v: 1,
  binding: toBase64url(bindingOctets),
  envelope: envelope.ref,
  statements: textsOf([luisSet, martaSet, martaName]),
  checkpoint: secondCheckpoint,
  proofs: proofsIn(secondLeaves, [luisSet.ref, martaSet.ref, martaName.ref, order.ref, envelope.ref]),
  consistency: consistencyPath(secondLeaves, firstLeaves.length),
}

export const receipt = await signStatement(receiptStatement, martaPhone, {
  v: 1,
  origin: ORIGIN,
  tr: TR,
  dl: DL,
  attempt: 1,
  order: order.ref,
  envelope: envelope.ref,
  key: { id: KEY.id, generation: 1 },
  outcome: 'installed',
  exposure: 'host-transient',
  checkpoint: checkpointMark(secondHead),
  iat: NOW + 3600,
})
export const rejection = await signStatement(receiptStatement, martaPhone, {
  v: 1,
  origin: ORIGIN,
  tr: TR,
  dl: DL,
  attempt: 1,
  envelope: envelope.ref,
  outcome: 'rejected',
  reason: 'envelope-malformed',
  iat: NOW + 3600,
})
export const notice = await signStatement(
  noticeStatement,
  server,
  makeNotice({
    id: NT,
    origin: ORIGIN,
    type: 'keyferry.target-available.v1',
    time: NOW + 120,
    expiresAt: DEADLINE,
  }),
)

export const leaves: readonly LogLeaf[] = [
  ...secondLeaves,
  { typ: 'kf-receipt+jwt', ref: receipt.ref, dstUser: martaRoot.id, dl: DL },
  { typ: 'kf-grant+jwt', ref: grant.ref, user: luisRoot.id },
]
export const lastHead: TreeHead = headOf(leaves)
export const lastCheckpoint = await noteOf(lastHead, NOW + 3660)

/** HPKE-7 with an ephemeral key from its name: each name for one seal only. */
export async function wrapFor(
  recipient: ExampleTransportKey,
  ephemeral: string,
  keyOctets: Uint8Array,
  octetsOfB: Uint8Array,
): Promise<WrappedJwe> {
  const { jwk, scalar } = transportKey(ephemeral)
  const suite = hpke7WithFixedEphemeralKey(await hpke7.importKeyPair(jwk, scalar))
  return wrapWith(suite, { recipient: recipient.jwk, kid: recipient.kid, keyOctets, binding: octetsOfB })
}

export function hashesOf(some: readonly LogLeaf[]): Uint8Array[] {
  return some.map((leaf) => leafHash(utf8(makeLeaf(ORIGIN, leaf))))
}

/** MTH of RFC 9162, Section 2.1.1. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [first, second] = hashes
  if (first === undefined) throw new Error('no leaves')
  if (second === undefined) return first
  const split = 2 ** Math.floor(Math.log2(hashes.length - 1))
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)))
}

export function headOf(some: readonly LogLeaf[]): TreeHead {
  return { size: some.length, root: rootOf(hashesOf(some)) }
}

export function inclusionPath(some: readonly LogLeaf[], index: number): string[] {
  return pathOf(some, inclusionRanges(index, some.length))
}

export function consistencyPath(some: readonly LogLeaf[], since: number): string[] {
  return pathOf(some, consistencyRanges(since, some.length))
}

function pathOf(some: readonly LogLeaf[], ranges: readonly LeafRange[]): string[] {
  const hashes = hashesOf(some)
  return ranges.map(({ start, end }) => toBase64url(rootOf(hashes.slice(start, end))))
}

function proofsIn(some: readonly LogLeaf[], wanted?: readonly Ref[]): Record<Ref, InclusionProof> {
  const proofs: Record<Ref, InclusionProof> = {}
  for (const [index, leaf] of some.entries()) {
    if (wanted?.includes(leaf.ref) !== false) proofs[leaf.ref] = { index, path: inclusionPath(some, index) }
  }
  return proofs
}

function textsOf(statements: readonly Statement<unknown>[]): Record<Ref, string> {
  return Object.fromEntries(statements.map(({ ref, text }) => [ref, text]))
}

async function noteOf(head: TreeHead, at: number): Promise<string> {
  const note = await signCheckpoint(head, log.vkey, log.signer)
  const text = note.slice(0, note.indexOf('\n\n') + 1)
  return note + (await cosignatureLine(text, witness.vkey, witness.signer, at))
}
