import { type DeliveryId, DeliveryIdShape, TransferIdShape } from '@keyferry/protocol'
import * as z from 'zod'
import type { AgentParts } from './parts.ts'

const LIST_LIMIT = 200
const MAX_PAGES = 50
const MAX_MILLISECONDS = 20_000

const ListShape = z.looseObject({
  items: z.array(z.looseObject({ dl: DeliveryIdShape, tr: TransferIdShape, waitingFor: z.array(z.string()) })),
  next: z.string().exactOptional(),
})

/**
 * Deliveries that the server lists for this device, each once. A list that does not end is cut off: what is left comes up when these have
 * gone. Transfers that were started here come first: they are known to be real.
 * @throws {KeyferryError} `response-invalid`
 */
export async function listDeliveries(
  parts: AgentParts,
  role: 'source' | 'target',
  states: string,
): Promise<readonly DeliveryId[]> {
  const begun = Date.now()
  const own = new Set<DeliveryId>()
  const others = new Set<DeliveryId>()
  let cursor = ''
  for (let page = 0; page < MAX_PAGES && Date.now() - begun < MAX_MILLISECONDS; page++) {
    const path = `/v1/deliveries?role=${role}&state=${states}&limit=${LIST_LIMIT}${cursor}`
    const answer = (await parts.client.call({ method: 'GET', path })).json(ListShape)
    for (const { dl, tr, waitingFor } of answer.items.slice(0, LIST_LIMIT)) {
      // Another party was asked to order it (PROTOCOL 2.4): until then there is nothing to do for a source.
      if (role === 'source' && waitingFor.includes('order')) continue
      if (parts.store.started.find(tr) === null) others.add(dl)
      else own.add(dl)
    }
    if (answer.next === undefined) break
    cursor = `&cursor=${encodeURIComponent(answer.next)}`
  }
  return [...own, ...[...others].filter((dl) => !own.has(dl))]
}
