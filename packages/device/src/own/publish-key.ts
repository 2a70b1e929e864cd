import { KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import type { OpenDevice } from '../open-device.ts'
import type { KeyRecord } from '../store/key-records.ts'

const TRIES = 3

/**
 * Tells the server what a key is, never what is in it (PROTOCOL 15, `PUT /v1/keys`). This device is named as a source beside those that
 * the server knows already.
 * @throws {KeyferryError} `not-found` if the key is another user's
 */
export async function publishKey(
  open: Pick<OpenDevice, 'client' | 'device'>,
  record: Pick<KeyRecord, 'key' | 'username' | 'container' | 'label'>,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await put(open, record)
    } catch (error) {
      // Another device of the user changed it between our look and our word.
      const again = error instanceof KeyferryError && error.code === 'precondition-failed' && tried < TRIES
      if (!again) throw error
    }
  }
}

async function put(
  { client, device }: Pick<OpenDevice, 'client' | 'device'>,
  record: Pick<KeyRecord, 'key' | 'username' | 'container' | 'label'>,
): Promise<void> {
  const { id, ...key } = record.key
  const path = `/v1/keys/${id}`
  const known = await find(client, path)
  const json = {
    ...key,
    sources: [...new Set([...(known?.sources ?? []), device.signer.id])],
    ...(record.username === null ? {} : { username: record.username }),
    ...(record.container === null ? {} : { container: record.container }),
    label: record.label,
  }
  const headers = known === null ? { 'if-none-match': '*' } : { 'if-match': known.etag }
  await client.call({ method: 'PUT', path, json, headers })
}

const KeyShape = z.looseObject({ sources: z.array(z.string()) })

async function find(
  client: OpenDevice['client'],
  path: string,
): Promise<{ readonly sources: readonly string[]; readonly etag: string } | null> {
  try {
    const answer = await client.call({ method: 'GET', path })
    return { sources: answer.json(KeyShape).sources, etag: answer.header('etag') ?? '' }
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'not-found') return null
    throw error
  }
}
