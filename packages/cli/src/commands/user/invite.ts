import { Command } from 'commander'
import { isUsualName } from '../../console/arguments.ts'
import { CliError } from '../../console/cli-error.ts'
import { Explained } from '../../console/failure.ts'
import { hasCode } from '../../console/has-code.ts'
import { withExamples } from '../../console/help.ts'
import { quoted } from '../../console/quoted.ts'
import { span } from '../../console/times.ts'
import { serverFolder } from '../../folders.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly data?: string
  readonly replace?: boolean
}

/** PROTOCOL 3: the first device of a user gets its string from an administrator. */
export function userInviteCommand(system: System): Command {
  const command = new Command('invite')
    .summary("make somebody's first device possible (on the server)")
    .description(
      'Prints a string that makes the first device of somebody: give it to that person only. Works on the machine of the server.',
    )
    .argument('<name>', 'user name, as others will see it: 1 to 128 of a-z, 0-9 and . _ - @')
    .option('--replace', 'the name is taken: a new root takes its place, since the old one was lost')
    .option('--data <folder>', 'data folder of the server (KEYFERRY_DATA)')
  withExamples(command, [
    ['keyferry user invite marta', ''],
    ['keyferry user invite marta > for-marta', 'only the string, into a file'],
  ])
  return does<Options>(command, system, 'not invited', async ({ output }, { data, replace }, name) => {
    // With --replace it may be a name that the server took before it was so strict.
    if (name === '' || Buffer.byteLength(name) > 128 || (replace !== true && !isUsualName(name))) {
      throw new CliError('wrong-use', 'this can be no user name', {
        more: 'It has 1 to 128 lower-case letters a to z, digits and . _ - @, and begins with a letter or digit.',
        hint: 'keyferry user invite marta',
      })
    }
    const { invite } = await import('../../operator/invite.ts')
    const folder = serverFolder(data, system.env, system.home)
    const offer = await invite(folder, { username: name, replace: replace === true }).catch((error) => {
      throw hasCode(error, 'state-conflict')
        ? new Explained(error, { hint: 'another name; or --replace if the root key of that user is lost' })
        : hasCode(error, 'malformed')
          ? new Explained(error, { hint: 'keyferry user invite marta' })
          : error
    })
    const { stringLines } = await import('../../console/string-lines.ts')
    output.say(
      `give this to ${name}; it works once, for ${span(offer.expiresAt - system.now())}, for a first device only:`,
    )
    output.answer(offer, await stringLines(system, offer.invitation))
    if (offer.caFile === null) output.say('there, `keyferry init` takes it')
    else if (data === undefined) {
      output.say(
        `there, \`keyferry init\` takes it. On another machine it needs a copy of ${offer.caFile}: --tls-ca FILE`,
      )
    } else output.say(`there, \`keyferry init --tls-ca ${quoted(offer.caFile)}\` takes it, with a copy of that file`)
  })
}
