import { Command } from 'commander'
import { Explained } from '../../console/failure.ts'
import { hasCode } from '../../console/has-code.ts'
import { withExamples } from '../../console/help.ts'
import { quoted } from '../../console/quoted.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

/** PROTOCOL 10, "Restored server": what its operator began with `keyferry log new`, each user's root accepts. */
export function trustLogCommand(system: System): Command {
  const command = new Command('log')
    .summary('go on with a new log of your server')
    .description(
      'Lets all your devices believe a new log of their server, which its administrator began after a backup was restored. Take the key from that person, not from the server: a server that lies could use it to begin with a clean sheet. What your devices have seen of people and devices stays. Works where the root key is.',
    )
    .argument('<vkey>', 'key of the new log, as `keyferry log new` printed it')
  withExamples(command, [["keyferry trust log 'keys.example/log+3c1a…+AWVz…'", '']])
  return does(command, system, 'not accepted', async (call, _options, vkey) => {
    const { acceptLog } = await import('@keyferry/device')
    await withDevice(call, async (open) => {
      const { trust, username } = open.store.seen.state()
      if (trust.log === vkey) {
        call.output.answer({ log: vkey, set: null }, ['This log is believed already.'])
        return
      }
      const set = await acceptLog(open, vkey).catch((error: unknown) => {
        throw hasCode(error, 'checkpoint-invalid') ? notThisKey(error) : tooOld(error, username)
      })
      call.output.answer({ log: vkey, set: set.payload.seq }, [`Believed   ${vkey}   by set ${set.payload.seq}`])
      call.output.say('your other devices learn it from that set')
    })
  })
}

function notThisKey(error: unknown): Explained {
  return new Explained(error, {
    hint: 'look whether the key was copied whole, and whether the server was started again',
  })
}

/** What was signed after the backup admits a device that the server lost: nothing can follow it there. */
function tooOld(error: unknown, username: string): unknown {
  if (!hasCode(error, 'statement-invalid')) return error
  return new Explained(error, {
    more: 'After the backup you added a device, which the server knows no more. So you have to begin anew there.',
    hint: `ask whoever runs the server for \`keyferry user invite ${quoted(username)} --replace\``,
  })
}
