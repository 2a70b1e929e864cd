import { type CheckpointMark, toBase64url } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'

/** Whether this log signed it: any head of it that is not ahead, we would sign each of them. */
export async function isOwnCheckpoint(
  context: Pick<ServerContext, 'log'>,
  { size, root }: CheckpointMark,
): Promise<boolean> {
  return size > 0 && size <= context.log.size && toBase64url(await context.log.root(size)) === root
}
