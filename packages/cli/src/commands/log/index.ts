import { Command } from 'commander'
import type { System } from '../../system.ts'
import { logAlarmsCommand } from './alarms.ts'
import { logNewCommand } from './new.ts'
import { logVerifyCommand } from './verify.ts'

export function logCommand(system: System): Command {
  return new Command('log')
    .description('The server’s transparency log.')
    .addCommand(logVerifyCommand(system))
    .addCommand(logAlarmsCommand(system))
    .addCommand(logNewCommand(system))
}
