import { type DeliveryShown, type KeyRecord, type OpenDevice, sentBefore } from '@keyferry/device'
import type { DeviceId } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'
import { shortId } from '../console/ids.ts'
import { ago } from '../console/times.ts'
import type { NamedTarget } from './people.ts'

/**
 * Who has this generation of a key from here, or will have it, rejects it a second time: better said before it is sent.
 * @returns those that are left: a device that has it is passed over, and that is told.
 * @throws {CliError} `already-sent` if nobody is left
 */
export async function withoutSecond(
  open: OpenDevice,
  record: KeyRecord,
  targets: readonly NamedTarget[],
  say: (text: string) => void,
): Promise<readonly NamedTarget[]> {
  const devices = targets.flatMap(devicesOf)
  if (devices.length === 0) return targets
  const sent = await sentBefore(open, record, devices)
  const left = targets.filter(
    (target) => devicesOf(target).some((id) => !sent.has(id)) || devicesOf(target).length === 0,
  )
  const passedOver = targets.filter((target) => !left.includes(target))
  const why = (those: readonly NamedTarget[]): string => {
    const what = `"${record.label}", generation ${record.key.generation},`
    const names = those.map((target) => (target.kind === 'device' ? target.shown : target.username)).join(', ')
    const arrived = those.flatMap(devicesOf).every((id) => sent.get(id)?.state === 'completed')
    return arrived ? `${names} has ${what} already` : `${what} is on its way to ${names} already`
  }
  if (left.length === 0) throw alreadySent(open, why(targets), [...sent.values()][0])
  if (passedOver.length > 0) say(`${why(passedOver)}: not sent there again; --again does`)
  return left
}

function devicesOf(target: NamedTarget): readonly DeviceId[] {
  return target.kind === 'device' ? [target.device] : target.devices.map(({ id }) => id)
}

function alreadySent(open: OpenDevice, why: string, first: DeliveryShown | undefined): CliError {
  return new CliError('already-sent', why, {
    ...(first === undefined
      ? {}
      : { more: `${shortId(first.tr as never)}   ${first.state}   ${ago(first.changedAt, open.now())}` }),
    hint: 'to send it once more all the same: --again',
  })
}
