import { Command } from 'commander'
import type { System } from '../../system.ts'
import { deviceAddCommand } from './add.ts'
import { deviceListCommand } from './list.ts'
import { deviceNameCommand } from './name.ts'
import { deviceRevokeCommand } from './revoke.ts'
import { deviceShowCommand } from './show.ts'

export function deviceCommand(system: System): Command {
  return new Command('device')
    .description('Your devices: pair a new one, look at them, take a lost one out.')
    .addCommand(deviceAddCommand(system))
    .addCommand(deviceListCommand(system))
    .addCommand(deviceShowCommand(system))
    .addCommand(deviceNameCommand(system))
    .addCommand(deviceRevokeCommand(system))
}
