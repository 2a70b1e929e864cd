import { Command } from 'commander'
import type { System } from '../../system.ts'
import { userInviteCommand } from './invite.ts'
import { userListCommand } from './list.ts'

export function userCommand(system: System): Command {
  return new Command('user')
    .description('People: invite them to a server, list them.')
    .addCommand(userInviteCommand(system))
    .addCommand(userListCommand(system))
}
