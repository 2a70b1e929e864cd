import { Command } from 'commander'
import type { System } from '../../system.ts'
import { keyAddCommand } from './add.ts'
import { keyEditCommand } from './edit.ts'
import { keyGenerateCommand } from './generate.ts'
import { keyListCommand } from './list.ts'
import { keySaveCommand } from './save.ts'
import { keyShowCommand } from './show.ts'

export function keyCommand(system: System): Command {
  return new Command('key')
    .description('Keys: add or make them, look at them, save them where programs use them.')
    .addCommand(keyAddCommand(system))
    .addCommand(keyGenerateCommand(system))
    .addCommand(keyListCommand(system))
    .addCommand(keyShowCommand(system))
    .addCommand(keyEditCommand(system))
    .addCommand(keySaveCommand(system))
}
