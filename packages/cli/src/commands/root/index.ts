import { Command } from 'commander'
import type { System } from '../../system.ts'
import { rootExportCommand } from './export.ts'
import { rootImportCommand } from './import.ts'
import { rootRemoveCommand } from './remove.ts'
import { rootResumeCommand } from './resume.ts'
import { rootRotateCommand } from './rotate.ts'

export function rootCommand(system: System): Command {
  return new Command('root')
    .description('Your root key: keep a copy, bring it to another device, replace it.')
    .addCommand(rootExportCommand(system))
    .addCommand(rootImportCommand(system))
    .addCommand(rootRemoveCommand(system))
    .addCommand(rootResumeCommand(system))
    .addCommand(rootRotateCommand(system))
}
