import { Command } from 'commander'
import type { System } from '../../system.ts'
import { userInviteCommand } from './invite.ts'
import { userListCommand } from './list.ts'
import { userPinCommand } from './pin.ts'

export function userCommand(system: System): Command {
  return new Command('user')
    .description('People: pin who somebody is; on a server, invite them and list them.')
    .addCommand(userInviteCommand(system))
    .addCommand(userPinCommand(system))
    .addCommand(userListCommand(system))
}
