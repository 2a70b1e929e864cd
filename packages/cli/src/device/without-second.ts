import { type KeyRecord, type OpenDevice, sentBefore } from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import { shortId } from '../console/ids.ts'
import { ago } from '../console/times.ts'
import type { NamedTarget } from './people.ts'

/**
 * Who has this generation of a key from here, or will have it, rejects it a second time: better said before it is sent.
 * @throws {CliError} `already-sent` if that is so of all that were named
 */
export async function refuseSecond(
  open: OpenDevice,
  record: KeyRecord,
  targets: readonly NamedTarget[],
): Promise<void> {
  const devices = targets.flatMap((target) =>
    target.kind === 'device' ? [target.device] : target.devices.map(({ id }) => id),
  )
  if (devices.length === 0) return
  const sent = await sentBefore(open, record, devices)
  if (sent.size < new Set(devices).size) return
  const names = targets.map((target) => (target.kind === 'device' ? target.shown : target.username)).join(', ')
  const [first] = sent.values()
  const arrived = [...sent.values()].every(({ state }) => state === 'completed')
  const what = `"${record.label}", generation ${record.key.generation},`
  throw new CliError(
    'already-sent',
    arrived ? `${names} has ${what} already` : `${what} is on its way to ${names} already`,
    {
      ...(first === undefined
        ? {}
        : { more: `${shortId(first.tr as never)}   ${first.state}   ${ago(first.changedAt, open.now())}` }),
      hint: 'to send it once more all the same: --again',
    },
  )
}
