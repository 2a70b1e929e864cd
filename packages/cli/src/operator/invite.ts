import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makePairingString } from '@keyferry/protocol'
import { operatorCall } from './call.ts'

export interface Invitation {
  /** Id of the enrolment. */
  readonly id: string
  readonly username: string
  readonly expiresAt: number
  /** The string for `keyferry init`. */
  readonly invitation: string
  /** CA of the server, if it is its own; null otherwise. */
  readonly caFile: string | null
}

/** Step 1 of PROTOCOL 3 for a first device, by the administrator. */
export async function invite(dataFolder: string, whom: { username: string; replace: boolean }): Promise<Invitation> {
  const { username, replace } = whom
  const configuration = await operatorCall<{ origin: string; log: { key: string } }>(dataFolder, {
    method: 'GET',
    path: '/.well-known/keyferry',
  })
  const json = { username, ...(replace ? { replace: true } : {}) }
  const offer = await operatorCall<{ id: string; code: string; expiresAt: number }>(dataFolder, {
    method: 'POST',
    path: '/v1/enrolments',
    json,
  })
  const invitation = makePairingString({
    origin: configuration.origin,
    username,
    log: configuration.log.key,
    code: offer.code,
  })
  const caFile = join(dataFolder, 'tls', 'ca.pem')
  return { id: offer.id, username, expiresAt: offer.expiresAt, invitation, caFile: existsSync(caFile) ? caFile : null }
}
