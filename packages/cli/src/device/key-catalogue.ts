import type { KeyRecord, OpenDevice } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'

/**
 * Tells the server what a key is, never what is in it (PROTOCOL 15, `PUT /v1/keys`). This device is named as a source beside those
 * that the server knows already.
 */
export async function putInCatalogue(open: OpenDevice, record: KeyRecord): Promise<void> {
  const path = `/v1/keys/${record.key.id}`
  const known = await findInCatalogue(open, path)
  const sources = [...new Set([...(known?.sources ?? []), open.device.signer.id])]
  const { id: _id, ...key } = record.key
  const json = {
    ...key,
    sources,
    ...(record.username === null ? {} : { username: record.username }),
    ...(record.container === null ? {} : { container: record.container }),
    label: record.label,
  }
  const precondition = known === null ? { 'if-none-match': '*' } : { 'if-match': known.etag }
  await open.client.call({ method: 'PUT', path, json, headers: precondition })
}

async function findInCatalogue(open: OpenDevice, path: string): Promise<{ sources: string[]; etag: string } | null> {
  try {
    const answer = await open.client.call({ method: 'GET', path })
    return { sources: answer.json<{ sources: string[] }>().sources, etag: answer.header('etag') ?? '' }
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'not-found') return null
    throw error
  }
}
