import { type DeviceSetPayload, KeyferryError, logNameOf, parseVkey, type Statement } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { changeTrust } from './change-trust.ts'
import { sendLost } from './send-lost.ts'
import { shownHead } from './shown-head.ts'

/**
 * Makes the devices of this user believe a new log of their server, as after a restored backup (PROTOCOL 10). What was seen of users and
 * devices stays; what the old log held against the server is given up with it, so a human has the vkey from whoever runs the server.
 * @throws {KeyferryError} `malformed` if it is no key of the log of this server; `checkpoint-invalid` if the server's log is not
 *   signed with it; as `sendLost` and `changeTrust`
 */
export async function acceptLog(open: OpenDevice, vkey: string): Promise<Statement<DeviceSetPayload>> {
  const { origin, trust } = open.store.seen.state()
  const { use, name } = parseVkey(vkey)
  if (use !== 'log' || name !== logNameOf(origin)) {
    throw new KeyferryError('malformed', 'not the key of the log of this server')
  }
  await shownHead(open, { ...trust, log: vkey }, null)
  await sendLost(open)
  return changeTrust(open, { log: vkey })
}
