import { type DeliveryId, KeyferryError, parseId, type TransferId } from '@keyferry/protocol'
import type { AgentParts } from './parts.ts'

const LIST_LIMIT = 200
const MAX_PAGES = 50
const MAX_MILLISECONDS = 20_000

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
    const answer = (await parts.client.call({ method: 'GET', path })).json<{ items: unknown; next?: string }>()
    if (!Array.isArray(answer.items)) throw new KeyferryError('response-invalid', 'the answer is no list')
    for (const { dl, tr } of answer.items.slice(0, LIST_LIMIT).map(readItem)) {
      if (parts.store.started.find(tr) === null) others.add(dl)
      else own.add(dl)
    }
    if (answer.next === undefined) break
    cursor = `&cursor=${encodeURIComponent(String(answer.next))}`
  }
  return [...own, ...[...others].filter((dl) => !own.has(dl))]
}

function readItem(item: unknown): { dl: DeliveryId; tr: TransferId } {
  const { dl, tr } = Object(item) as Record<string, unknown>
  try {
    return { dl: parseId('dl', String(dl)), tr: parseId('tr', String(tr)) }
  } catch (cause) {
    throw new KeyferryError('response-invalid', 'the list names what is no delivery', {}, { cause })
  }
}
