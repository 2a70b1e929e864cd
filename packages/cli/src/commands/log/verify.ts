import { Command } from 'commander'
import { Explained } from '../../console/failure.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function logVerifyCommand(system: System): Command {
  const command = new Command('verify')
    .summary('read the whole log and look for what others said in your name')
    .description(
      'Reads every entry of the server’s log, checks that together they are what the server signed and that the log only grew, and picks out what is about you: a device or set that none of your devices made is an alarm.',
    )
  withExamples(command, [['keyferry log verify', 'now and then, or from cron: exit code 4 is an alarm']])
  return does(command, system, 'not verified', async (call) => {
    const { publicLog } = await import('../../log/public-log.ts')
    const { verifyLog } = await import('../../log/verify-log.ts')
    const { examineOwnLeaves } = await import('../../log/own-leaves.ts')
    const { KeyferryError } = await import('@keyferry/protocol')
    const { output } = call
    await withDevice(call, async (open) => {
      const verified = await verifyLog(open, publicLog(open), (read, of) =>
        output.detail(`read ${read} of ${of} entries`),
      )
      const own = await examineOwnLeaves(open, verified.own)
      const since = verified.since === null ? '' : `, grown from the ${verified.since} that this device had seen`
      output.answer({ ...verified, own }, [
        `${verified.size} entries, all of them as signed${since}`,
        ...own.map(
          ({ index, what, strange }) =>
            `  ${String(index).padStart(6)}  ${strange ? output.paint.bad('NOT YOURS') : 'yours'}  ${what}`,
        ),
      ])
      if (verified.quorum === 0)
        output.say('no witness is asked (quorum 0): a log with two faces is noticed late; keyferry trust witness VKEY')
      if (own.some(({ strange }) => strange))
        throw new Explained(
          new KeyferryError('log-inconsistent', 'the log holds something in your name that you did not make'),
          {
            hint: 'somebody has your root key or a device of yours: keyferry root rotate, keyferry device revoke',
          },
        )
    })
  })
}
