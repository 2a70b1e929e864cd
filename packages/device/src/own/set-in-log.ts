import {
  checkInclusion,
  type DeviceSetPayload,
  KeyferryError,
  makeLeaf,
  type Statement,
  type TreeHead,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { getFromLog, inclusionPath } from './log-tiles.ts'
import { putStatement } from './send-statements.ts'

type OwnSet = Statement<DeviceSetPayload>

/**
 * Where the server says that the leaf of a set is, which it has (putting it once more changes nothing).
 * @throws {KeyferryError} `proof-invalid` if it names no place
 */
export async function indexOf({ client }: Pick<OpenDevice, 'client'>, { ref, text }: OwnSet): Promise<number> {
  const { index } = await putStatement(client, ref, text)
  if (index === undefined) throw new KeyferryError('proof-invalid', 'the server names no place in the log')
  return index
}

/** @throws {KeyferryError} `proof-invalid` unless the tree of this head has the set there. */
export async function requireInTree(
  { transport }: Pick<OpenDevice, 'transport'>,
  { ref, payload: { origin, user } }: OwnSet,
  index: number,
  head: TreeHead,
): Promise<void> {
  const path = await inclusionPath((name) => getFromLog(transport, origin, name), index, head.size)
  checkInclusion(makeLeaf(origin, { typ: 'kf-device-set+jwt', ref, user }), { index, path: [...path] }, head)
}
