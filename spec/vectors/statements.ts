import {
  checkDeviceSet,
  checkDeviceStatement,
  checkGrant,
  checkHandover,
  checkOrder,
  checkSuccessor,
  checkUserStatement,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  equalJson,
  grantStatement,
  makeLeaf,
  noticeStatement,
  orderStatement,
  type PublicSigningJwk,
  readStatement,
  receiptStatement,
  type Statement,
  type StatementType,
  userStatement,
  verifyStatement,
} from '../../packages/protocol/src/index.ts'
import {
  application,
  assert,
  assertEqual,
  ca,
  type ExampleSigner,
  luisRoot,
  luisTablet,
  martaPhone,
  martaRoot,
  NOW,
  ORIGIN,
  server,
  signer,
} from './example.ts'
import * as story from './story.ts'
import type { VectorFile } from './vector-file.ts'

interface StatementVector {
  name: string
  typ: string
  /** Name of the example key, and its public half. */
  signer: string
  jwk: PublicSigningJwk
  /** Compact JWS. */
  text: string
  ref: string
  payload: unknown
  leaf?: string
}

const TYPES: readonly StatementType<unknown>[] = [
  deviceStatement,
  deviceSetStatement,
  userStatement,
  grantStatement,
  orderStatement,
  receiptStatement,
  noticeStatement,
]

const SIGNED: readonly [string, Statement<unknown>, ExampleSigner][] = [
  ['device: source', story.tabletStatement, luisTablet],
  ['device: target, with access key', story.phoneStatement, martaPhone],
  ['device set: owner', story.luisSet, luisRoot],
  ['device set: target user, with trust', story.martaSet, martaRoot],
  ['device set: hand-over', story.handoverSet, signer('rosa root')],
  ['device set: by the second root', story.successorSet, signer('rosa root 2')],
  ['user', story.martaName, ca],
  ['grant', story.grant, luisRoot],
  ['order: by the source (PROTOCOL 2.4)', story.order, luisTablet],
  ['order: by a grantee', story.grantedOrder, application],
  ['receipt: installed', story.receipt, martaPhone],
  ['receipt: rejected, nothing could be read', story.rejection, martaPhone],
  ['notice', story.notice, server],
]

export const statements: VectorFile<StatementVector[]> = {
  name: 'statements',
  async make() {
    return SIGNED.map(([name, { typ, text, ref, payload }, by]) => {
      const leaf = story.leaves.find((one) => one.ref === ref)
      return {
        name,
        typ,
        signer: by.name,
        jwk: by.jwk,
        text,
        ref,
        payload,
        ...(leaf === undefined ? {} : { leaf: makeLeaf(ORIGIN, leaf) }),
      }
    })
  },
  async check(vectors) {
    for (const { name, typ, jwk, text, ref, payload } of vectors) {
      const read = readStatement(typeOf(typ), text)
      assertEqual(read.ref, ref, `${name}: ref`)
      assert(equalJson(read.payload, payload), `${name}: payload`)
      assert(await verifyStatement(read, jwk), `${name}: signature`)
    }
    const text = (name: string): string => vectors.find((vector) => vector.name === name)?.text ?? ''
    const set = (name: string): Statement<DeviceSetPayload> => readStatement(deviceSetStatement, text(name))
    const luis = { origin: ORIGIN, user: luisRoot.id }
    const marta = { origin: ORIGIN, user: martaRoot.id }
    const rosa = { origin: ORIGIN, user: signer('rosa root').id }
    const ownerSet = set('device set: owner')
    await checkDeviceSet(ownerSet, luis)
    await checkDeviceSet(set('device set: target user, with trust'), marta)
    await checkHandover(set('device set: hand-over'), { ...rosa, root: rosa.user })
    await checkDeviceSet(set('device set: by the second root'), rosa)
    checkSuccessor(set('device set: by the second root'), set('device set: hand-over'))
    await checkDeviceStatement(readStatement(deviceStatement, text('device: source')), luis)
    await checkDeviceStatement(readStatement(deviceStatement, text('device: target, with access key')), marta)
    await checkUserStatement(readStatement(userStatement, text('user')), { origin: ORIGIN, caIds: [ca.id], now: NOW })
    const grant = readStatement(grantStatement, text('grant'))
    await checkGrant(grant, ownerSet.payload)
    const facts = { ownerSet: ownerSet.payload, grant, at: NOW }
    const order = readStatement(orderStatement, text('order: by the source (PROTOCOL 2.4)'))
    assertEqual(order.ref, 'PRBL7lzdGFz0YVPSpplf-DRH7jdSxNG_n6vocWwy1Hg', 'appendix: ref of the order')
    assertEqual(await checkOrder(order, facts), 'source', 'order by the source')
    const granted = readStatement(orderStatement, text('order: by a grantee'))
    assertEqual(await checkOrder(granted, facts), 'grantee', 'order by a grantee')
  },
}

function typeOf(typ: string): StatementType<unknown> {
  const type = TYPES.find((one) => one.typ === typ)
  if (type === undefined) throw new Error('not a type of statement')
  return type
}
