import { Command } from 'commander'
import type { System } from '../../system.ts'
import { transferCancelCommand } from './cancel.ts'
import { transferListCommand } from './list.ts'
import { transferRetryCommand } from './retry.ts'
import { transferShowCommand } from './show.ts'

export function transferCommand(system: System): Command {
  return new Command('transfer')
    .description('Transfers: list them, look at one, cancel it, try it again.')
    .addCommand(transferListCommand(system))
    .addCommand(transferShowCommand(system))
    .addCommand(transferCancelCommand(system))
    .addCommand(transferRetryCommand(system))
}
