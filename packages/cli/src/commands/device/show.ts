import { Command } from 'commander'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { fingerprint } from '../../console/ids.ts'
import { ago, ending } from '../../console/times.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function deviceShowCommand(system: System): Command {
  const command = new Command('show')
    .summary('what a device is and can')
    .description(
      'Shows a device of yours: its fingerprint, its transport keys, what it can wrap with. Run it on two devices and compare when something was refused.',
    )
    .argument('[device]', 'its name, or the beginning of its fingerprint or id; this one if left out')
  withExamples(command, [
    ['keyferry device show', 'this one'],
    ['keyferry device show phone', ''],
  ])
  return does(command, system, 'not shown', async (call, _options, ...typed) => {
    const { choose } = await import('../../console/choose.ts')
    const { calledDevices, ownDevices } = await import('../../device/own-devices.ts')
    const { fetchDeviceStatement } = await import('../../device/device-statement.ts')
    await withDevice(call, async (open) => {
      const { devices, set } = await ownDevices(open)
      const called = calledDevices(devices)
      const device = choose('device', typed[0] ?? open.device.signer.id, called)
      const { ref, payload } = await fetchDeviceStatement(open, device.id)
      const now = open.now()
      const { iat, exp, seq } = payload
      const keys = payload.enc.map(({ alg, kid, exposure, exp: end }) => [`  ${alg}`, kid, exposure, ending(end, now)])
      call.output.answer({ ...device, statement: ref, ...payload, set: set.seq }, [
        `${device.name === '' ? 'a device' : device.name}   ${device.kind}   ${device.state}${device.own ? '   this device' : ''}`,
        `  fingerprint  ${fingerprint(device.id)}`,
        `  may be       ${device.roles.join(', ')}   in set ${set.seq}`,
        `  statement    ${seq}, said ${ago(iat, now)}, ${ending(exp, now)}`,
        `  wraps with   ${payload.wrap.map(({ alg }) => alg).join(', ') || 'nothing'}`,
        '  takes keys under',
        ...columns(keys, '  '),
      ])
    })
  })
}
