import { Command } from 'commander'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { deviceFingerprint } from '../../console/ids.ts'
import { quoted } from '../../console/quoted.ts'
import { ago } from '../../console/times.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function deviceListCommand(system: System): Command {
  const command = new Command('list')
    .summary('your devices')
    .description('Lists your devices as your current set names them.')
  withExamples(command, [['keyferry device list', '']])
  return does(command, system, 'not listed', async (call) => {
    const { ownDevices } = await import('../../device/own-devices.ts')
    await withDevice(call, async (open) => {
      const { devices } = await ownDevices(open)
      const rows = columns(
        devices.map(({ id, name, kind, roles, state, lastProofAt, own }) => [
          name === '' ? '-' : name,
          kind,
          deviceFingerprint(id),
          roles.join(', '),
          state === 'active' ? seen(own, lastProofAt, open.now()) : state,
        ]),
      )
      for (const [i, device] of devices.entries()) call.output.answer(device, [rows[i] ?? ''])
      const nameless = devices.find(({ name }) => name === '')
      if (nameless !== undefined) {
        const digits = quoted(deviceFingerprint(nameless.id))
        call.output.say(`each device has its own names for the others: keyferry device name ${digits} NAME`)
      }
    })
  })
}

function seen(own: boolean, lastProofAt: number | null, now: number): string {
  if (own) return 'this device'
  return lastProofAt === null ? 'not seen since it joined' : `last seen ${ago(lastProofAt, now)}`
}
