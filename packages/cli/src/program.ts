import { Command, type CommanderError } from 'commander'
import { agentCommand } from './commands/agent.ts'
import { completeCommand, completionCommand } from './commands/completion.ts'
import { confirmCommand } from './commands/confirm.ts'
import { deviceCommand } from './commands/device/index.ts'
import { doctorCommand } from './commands/doctor.ts'
import { evidenceCommand } from './commands/evidence.ts'
import { helpCommand } from './commands/help.ts'
import { initCommand } from './commands/init.ts'
import { joinCommand } from './commands/join.ts'
import { keyCommand } from './commands/key/index.ts'
import { logCommand } from './commands/log/index.ts'
import { pendingCommand } from './commands/pending.ts'
import { refuseCommand } from './commands/refuse.ts'
import { rootCommand } from './commands/root/index.ts'
import { sendCommand } from './commands/send.ts'
import { serveCommand } from './commands/serve.ts'
import { transferCommand } from './commands/transfer/index.ts'
import { trustCommand } from './commands/trust/index.ts'
import { userCommand } from './commands/user/index.ts'
import { formatHelp, visibleGlobalOptions, visibleNames, withExamples } from './console/help.ts'
import type { System } from './system.ts'
import { VERSION } from './version.ts'

export const VERSION_LINE: string = `keyferry ${VERSION}`

/** A call that the grammar does not know. */
export class Misuse extends Error {
  override readonly name = 'Misuse'
  readonly error: CommanderError
  /** The command that was meant, as typed. */
  readonly typed: string
  /** What it can be told to do. */
  readonly choices: readonly string[]
  constructor(error: CommanderError, command: Command, typed: string) {
    super(error.message, { cause: error })
    this.error = error
    this.typed = typed
    this.choices = visibleNames(command)
  }
}

const THIS_PROGRAM = 'This program:'

/** The whole grammar of `keyferry`. Groups and commands in the order in which a newcomer meets them. */
export function program(system: System): Command {
  const root = new Command('keyferry')
    .description(
      'Moves a key from one device to another through a server that never learns it, although the two are never online together.',
    )
    .version(VERSION_LINE, '-V, --version', 'print the version')
    .option('--json', 'answer in JSON: one object, or one a line')
    .option('--verbose', 'say what is done on the way')
    .option('--profile <folder>', 'folder of this device (KEYFERRY_PROFILE)')
    .option('--passphrase-file <file>', 'file with the passphrase of this device (KEYFERRY_PASSPHRASE_FILE)')
  withExamples(root, [
    ['keyferry serve', 'a server on this machine'],
    ['keyferry user invite marta', "makes marta's first device possible"],
    ["keyferry init 'keyferry:?v=1&…'", 'this machine becomes that device'],
    ['keyferry device add', 'one more device of yours'],
    ['keyferry key add ~/.ssh/id_ed25519', 'a key that you want to send'],
    ['keyferry send id_ed25519 --to phone', 'sends it; the phone may be off'],
  ])
  const groups: readonly (readonly [string, readonly ((system: System) => Command)[]])[] = [
    ['A server and its people:', [serveCommand, userCommand]],
    ['Your devices:', [initCommand, deviceCommand, joinCommand, rootCommand, trustCommand]],
    ['Keys:', [keyCommand]],
    [
      'Sending and taking in:',
      [sendCommand, agentCommand, pendingCommand, confirmCommand, refuseCommand, transferCommand],
    ],
    ['Looking closely:', [doctorCommand, logCommand, evidenceCommand]],
  ]
  for (const [heading, commands] of groups) {
    for (const make of commands) root.addCommand(make(system).helpGroup(heading))
  }
  root.addCommand(completionCommand(system).helpGroup(THIS_PROGRAM))
  root.addCommand(completeCommand(root, system), { hidden: true })
  root.addCommand(helpCommand(root, system).helpGroup(THIS_PROGRAM))
  prepare(root, 'keyferry')
  return root
}

/** Every command, however deep, fails and explains itself the same way. */
function prepare(command: Command, typed: string): void {
  command
    .helpOption('-h, --help', 'print help')
    .exitOverride((error) => {
      throw new Misuse(error, command, typed)
    })
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .configureHelp({ formatHelp, visibleGlobalOptions, showGlobalOptions: true })
  command.helpCommand(false)
  for (const sub of command.commands) prepare(sub, `${typed} ${sub.name()}`)
}
