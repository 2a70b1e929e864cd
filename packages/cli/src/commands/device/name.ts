import { Command } from 'commander'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function deviceNameCommand(system: System): Command {
  const command = new Command('name')
    .summary('say what you call a device')
    .description('Gives a device of yours a name, on this device only: nobody else sees or relies on it.')
    .argument('<device>', 'its name so far, or the beginning of its fingerprint or id')
    .argument('<name>', 'its new name')
  withExamples(command, [['keyferry device name 08d3 desktop', '']])
  return does(command, system, 'not named', async (call, _options, typed, name) => {
    const { choose } = await import('../../console/choose.ts')
    const { nameDevice } = await import('../../device/device-names.ts')
    const { calledDevices, ownDevices } = await import('../../device/own-devices.ts')
    await withDevice(call, async (open) => {
      const device = choose('device', typed, calledDevices((await ownDevices(open)).devices))
      const kept = nameDevice(open, device.id, name)
      call.output.answer({ device: device.id, name: kept }, [kept])
    })
  })
}
