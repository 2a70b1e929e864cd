import type { Caller } from '../access/caller.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'

/** The request that is being answered, as a proof. */
export function ownProof(context: Pick<ServerContext, 'clock'>, caller: Caller): Proof {
  const method = caller.type === 'device' ? caller.method : caller.type === 'user' ? 'session' : 'device-signature'
  return { method, at: context.clock.now() }
}
