import { KeyferryError } from '@keyferry/protocol'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { isPartyOf } from '../registry/parties.ts'
import type { DeviceRow, KeyRow, Requester } from '../store/rows.ts'
import { deviceFacts, subjectOf } from './access-facts.ts'
import { liveGrantOf } from './grants.ts'
import { ownProof } from './own-proof.ts'
import type { TransferRequest } from './request-body.ts'

/**
 * AC1 at E1, "with what is known" (PROTOCOL 5, 6), before anything is expanded, told or woken: conditions count as a permit here, no
 * decision is 503.
 * @throws {KeyferryError} `access-denied` for who may read the key, `not-found` for others; `unavailable`
 */
export async function askBefore(
  context: ServerContext,
  caller: Caller,
  requester: Requester,
  key: KeyRow,
  body: TransferRequest,
  source: DeviceRow | null,
): Promise<void> {
  const isSource = caller.type === 'device' && caller.device.id === source?.id
  const ruling = await context.access.decide({
    subject: subjectOf(
      requester,
      await asksForItself(context, requester, body),
      // An application without a live grant does not get here.
      requester.type === 'application',
    ),
    action: { name: 'keyferry.admit' },
    resource: { type: 'key', id: key.id, properties: { class: key.class, generation: body.generation } },
    context: {
      stage: 'ac1',
      ...(body.purpose === undefined ? {} : { purpose: body.purpose }),
      ...(key.username === null ? {} : { username: key.username }),
      mechanism: body.mechanism ?? 'public-key',
      now: context.clock.now(),
      ...(source === null ? {} : { source: deviceFacts(source) }),
      ...(isSource ? { proof: { party: 'source', ...ownProof(context, caller), code: false } } : {}),
      orderBy: body.orderBy ?? 'source',
      approvals: [],
      copies: await context.read.copiesOf(key.id),
    },
  })
  if (ruling === null) throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
  if (ruling.decision) return
  if (!(await mayReadKey(context, caller, key))) throw noKey()
  throw new KeyferryError('access-denied', 'this transfer may not be asked for', {
    stage: 'ac1',
    reason: ruling.context?.reason ?? 'denied',
  })
}

export function noKey(): KeyferryError {
  return new KeyferryError('not-found', 'no such key')
}

/** Whether only devices of the requester's own user are named: then he asks to receive, which anybody may ask. */
async function asksForItself(context: ServerContext, requester: Requester, body: TransferRequest): Promise<boolean> {
  if (requester.user === null) return false
  const users = await Promise.all(
    body.targets.map(async (target) => {
      if ('user' in target) return target.user
      return 'device' in target ? ((await context.read.device(target.device))?.user ?? null) : null
    }),
  )
  return users.every((user) => user === requester.user)
}

/** Its owner, a grantee, and the parties of its deliveries (PROTOCOL 15, *Whose*). */
export async function mayReadKey(context: ServerContext, caller: Caller, key: KeyRow): Promise<boolean> {
  if (userOf(caller) === key.owner) return true
  if (caller.type === 'application') return (await liveGrantOf(context, key, caller.application.id)) !== null
  return isPartyOf(context, caller, (delivery) => delivery.keyId === key.id)
}
