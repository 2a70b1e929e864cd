import { KeyferryError } from '@keyferry/protocol'
import type { Client } from '../client/client.ts'
import { pause } from '../client/pause.ts'
import { UnreachableError } from '../client/transport.ts'

export type Pause = typeof pause

const PAUSES_MILLISECONDS = [500, 1_000, 2_000, 4_000, 8_000]

/**
 * Repeats what got no answer. All steps of an enrolment may be sent again as they are: the same octets have the same answer (PROTOCOL 4);
 * of an invitation the code counts that did arrive.
 */
export function persistent(client: Client, wait: Pause = pause): Client {
  return {
    ...client,
    async call(call) {
      for (let failures = 0; ; failures++) {
        try {
          return await client.call(call)
        } catch (error) {
          const milliseconds = PAUSES_MILLISECONDS[failures]
          if (!isPassing(error) || milliseconds === undefined || call.signal?.aborted === true) throw error
          await wait(milliseconds, call.signal)
        }
      }
    },
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof KeyferryError && error.code === 'unavailable')
}
