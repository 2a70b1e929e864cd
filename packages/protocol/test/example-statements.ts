import type { DeliveryId, KeyId, Ref, Thumbprint, TransferId } from '../src/ids/ids.ts'
import { thumbprint } from '../src/jose/jwk.ts'
import type { Signer } from '../src/jose/signer.ts'
import { type DevicePayload, deviceStatement } from '../src/statements/device.ts'
import { type DeviceSetPayload, deviceSetStatement, type SetDevice } from '../src/statements/device-set.ts'
import { type GrantPayload, grantStatement } from '../src/statements/grant.ts'
import type { KeyTransferInfo } from '../src/statements/key-transfer-info.ts'
import { type OrderPayload, orderStatement } from '../src/statements/order.ts'
import { type ReceiptPayload, receiptStatement } from '../src/statements/receipt.ts'
import { type Statement, signStatement } from '../src/statements/statement.ts'
import type { TransportKeyInfo } from '../src/statements/transport-key-info.ts'
import { type UserPayload, userStatement } from '../src/statements/user.ts'
import { exampleSigner, exampleTransportKey } from './example-keys.ts'

/** The story of PROTOCOL's examples: Luis' tablet hands a container key to Marta's phone. */
export const ORIGIN = 'https://keys.example'
export const NOW = 1_795_518_000
export const DAY = 86_400
export const luisRoot: Signer = exampleSigner('luis root')
export const luisTablet: Signer = exampleSigner('luis tablet')
export const martaRoot: Signer = exampleSigner('marta root')
export const martaPhone: Signer = exampleSigner('marta phone')
export const martaPhoneEnc: ReturnType<typeof exampleTransportKey> = exampleTransportKey('marta phone enc')
export const martaKid: Thumbprint = thumbprint(martaPhoneEnc.jwk)

export const anOrderPayload: OrderPayload = {
  v: 1,
  iss: luisTablet.id,
  origin: ORIGIN,
  tr: 'tr_2ck0frzqa7em6qn7679ps32h78' as TransferId,
  dl: 'dl_0kz5s8wc31gks89569erpva0kj' as DeliveryId,
  attempt: 1,
  key: {
    id: `${luisRoot.id}/0tpbn4f2neatkmt5s8z6wygmzj` as KeyId,
    class: 'container',
    generation: 1,
    type: 'age',
  },
  src: luisTablet.id,
  dst: martaPhone.id,
  dstUser: martaRoot.id,
  mechanism: 'public-key',
  alg: 'HPKE-7',
  kid: martaKid,
  container: 'ct_35kbawdrad69570rfkfhyy361v' as NonNullable<OrderPayload['container']>,
  minExposure: { source: 'software', target: 'host-transient' },
  redelivery: false,
  iat: 1_795_514_400,
  exp: 1_796_119_200,
}

export const ORDER_REF = 'PRBL7lzdGFz0YVPSpplf-DRH7jdSxNG_n6vocWwy1Hg' as Ref

export const aKeyTransferInfo: KeyTransferInfo = {
  v: 1,
  origin: ORIGIN,
  order: ORDER_REF,
  tr: anOrderPayload.tr,
  dl: anOrderPayload.dl,
  attempt: 1,
  src: luisTablet.id,
  dst: martaPhone.id,
  dstUser: martaRoot.id,
  mechanism: 'public-key',
  alg: 'HPKE-7',
  kid: martaKid,
  key: anOrderPayload.key,
  container: 'ct_35kbawdrad69570rfkfhyy361v' as NonNullable<OrderPayload['container']>,
  exposure: 'software',
  srcSet: 'QNYpyzsC2C4ZY5azmm8VzcQzRjrDyXIipqgq8XrGpto' as Ref,
  dstSet: 'a2eXxbP-ZRLAmAJogdlmnvPVgpapOPyVBT9L4F54AsA' as Ref,
  dstStatement: 'Q0yLWIfo7iliSJr4tCe9CBz5M5ArtQqvsZDghrKc6yw' as Ref,
  checkpoint: { size: 5120, root: '_O8tyW_sKbjUuigjex6BcECLUQjJ_GOj3qLKwX-XxqA' },
  iat: NOW,
  exp: 1_796_119_200,
  nonce: 'j8Fn_FIKK0MOSVtddM3JjA',
}

/** Without statements, proofs and checkpoint. */
export const aTransportKeyInfo: TransportKeyInfo = {
  v: 1,
  origin: ORIGIN,
  tr: anOrderPayload.tr,
  dl: anOrderPayload.dl,
  attempt: 1,
  deadline: 1_796_119_200,
  key: anOrderPayload.key,
  container: aKeyTransferInfo.container as NonNullable<OrderPayload['container']>,
  source: { device: luisTablet.id, set: aKeyTransferInfo.srcSet, statement: aKeyTransferInfo.srcSet },
  target: {
    device: martaPhone.id,
    user: martaRoot.id,
    username: 'marta',
    set: aKeyTransferInfo.dstSet,
    statement: aKeyTransferInfo.dstStatement,
  },
  mechanism: 'public-key',
  options: [{ alg: 'HPKE-7', kid: martaKid }],
  minExposure: { source: 'software', target: 'host-transient' },
  redelivery: false,
  maxBytes: 49_152,
  statements: {},
  checkpoint: 'a note',
  proofs: {},
}

export function anOrder(
  members: Partial<OrderPayload> = {},
  signer: Signer = luisTablet,
): Promise<Statement<OrderPayload>> {
  return signStatement(orderStatement, signer, { ...anOrderPayload, iss: signer.id, ...members })
}

export function aDevice(
  members: Partial<DevicePayload> = {},
  signer: Signer = martaPhone,
): Promise<Statement<DevicePayload>> {
  return signStatement(deviceStatement, signer, {
    v: 1,
    origin: ORIGIN,
    user: martaRoot.id,
    jwk: signer.jwk,
    seq: 1,
    iat: NOW - DAY,
    exp: NOW + 30 * DAY,
    kind: 'ese',
    enc: [{ jwk: martaPhoneEnc.jwk, alg: 'HPKE-7', nbf: NOW - DAY, exp: NOW + 89 * DAY, exposure: 'host-transient' }],
    wrap: [{ alg: 'HPKE-7', exposure: 'software' }],
    ...members,
  })
}

export function inSet(signer: Signer, members: Partial<SetDevice> = {}): SetDevice {
  return { id: signer.id, jwk: signer.jwk, kind: 'software', roles: ['source', 'target'], ...members }
}

/** A first set of Luis with his tablet, unless said otherwise. */
export function aSet(
  members: Partial<DeviceSetPayload> = {},
  root: Signer = luisRoot,
): Promise<Statement<DeviceSetPayload>> {
  return signStatement(deviceSetStatement, root, {
    v: 1,
    origin: ORIGIN,
    user: luisRoot.id,
    root: root.jwk,
    seq: 1,
    iat: NOW,
    exp: NOW + 7 * DAY,
    devices: [inSet(luisTablet)],
    revoked: [],
    ...members,
  })
}

export function aUser(ca: Signer, members: Partial<UserPayload> = {}): Promise<Statement<UserPayload>> {
  return signStatement(userStatement, ca, {
    v: 1,
    origin: ORIGIN,
    ca: ca.jwk,
    username: 'marta',
    user: martaRoot.id,
    iat: NOW,
    exp: NOW + 90 * DAY,
    ...members,
  })
}

export function aGrant(
  grantee: Signer,
  members: Partial<GrantPayload> = {},
  root: Signer = luisRoot,
): Promise<Statement<GrantPayload>> {
  return signStatement(grantStatement, root, {
    v: 1,
    origin: ORIGIN,
    user: luisRoot.id,
    grantee: grantee.jwk,
    keys: [],
    classes: ['container'],
    to: { own: false, users: [martaRoot.id], cas: [] },
    algs: ['HPKE-7'],
    minExposure: { source: 'software', target: 'software' },
    perDay: 10,
    iat: NOW - DAY,
    exp: NOW + 90 * DAY,
    ...members,
  })
}

export function aReceipt(envelope: Ref, members: Partial<ReceiptPayload> = {}): Promise<Statement<ReceiptPayload>> {
  return signStatement(receiptStatement, martaPhone, {
    v: 1,
    origin: ORIGIN,
    tr: anOrderPayload.tr,
    dl: anOrderPayload.dl,
    attempt: 1,
    order: ORDER_REF,
    envelope,
    key: { id: anOrderPayload.key.id, generation: 1 },
    outcome: 'installed',
    exposure: 'host-transient',
    iat: NOW + 3600,
    ...members,
  })
}
