import { Command } from 'commander'
import type { System } from '../../system.ts'
import { trustCaCommand } from './ca.ts'
import { trustShowCommand } from './show.ts'
import { trustWitnessCommand } from './witness.ts'

export function trustCommand(system: System): Command {
  return new Command('trust')
    .description('Whom your devices believe: organisation CAs, witnesses of the log.')
    .addCommand(trustShowCommand(system))
    .addCommand(trustCaCommand(system))
    .addCommand(trustWitnessCommand(system))
}
