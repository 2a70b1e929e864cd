import * as z from 'zod'
import type { Client } from './client.ts'

const PathShape = z.looseObject({ path: z.array(z.string()) })

/**
 * Consistency proof between two sizes of the log (`GET /v1/log/consistency`): hashes, b64u, as RFC 9162 orders them.
 * @throws {KeyferryError} `response-invalid`, and the code of the problem that the server answers
 */
export async function consistencyPath(client: Client, from: number, to: number): Promise<readonly string[]> {
  const answer = await client.call({ method: 'GET', path: `/v1/log/consistency?from=${from}&to=${to}` })
  return answer.json(PathShape).path
}
