import { Command } from 'commander'
import type { System } from '../../system.ts'
import { trustCaCommand } from './ca.ts'
import { trustLogCommand } from './log.ts'
import { trustShowCommand } from './show.ts'
import { trustWitnessCommand } from './witness.ts'

export function trustCommand(system: System): Command {
  return new Command('trust')
    .description('Whom your devices believe: organisation CAs, the log of the server and its witnesses.')
    .addCommand(trustShowCommand(system))
    .addCommand(trustCaCommand(system))
    .addCommand(trustWitnessCommand(system))
    .addCommand(trustLogCommand(system))
}
