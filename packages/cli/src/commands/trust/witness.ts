import { Command } from 'commander'
import { countArgument } from '../../console/arguments.ts'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly quorum?: number
  readonly remove?: boolean
  readonly force?: boolean
}

/** PROTOCOL 11: cosignatures of a quorum show a log with two faces at once, and how late it is. */
export function trustWitnessCommand(system: System): Command {
  const command = new Command('witness')
    .summary('demand that somebody else has seen the log too')
    .description(
      'Lets all your devices believe the log only with the cosignature of this witness, or of as many witnesses as the quorum says. Compare the key with a copy that did not come through the server. Works where the root key is.',
    )
    .argument('<vkey>', 'key of the witness, as its operator publishes it')
    .option('--quorum <number>', 'how many of your witnesses must agree (else one more than so far)', countArgument)
    .option('--remove', 'demand it no longer')
    .option('--force', 'although it has not cosigned this log so far: nothing works until it does')
  withExamples(command, [
    ["keyferry trust witness 'witness.example+3c1a…+BWVz…'", ''],
    ["keyferry trust witness 'witness.example+3c1a…+BWVz…' --remove", ''],
  ])
  return does<Options>(command, system, 'not changed', async (call, { quorum, remove, force }, vkey) => {
    const { changeTrust, currentCheckpoint } = await import('@keyferry/device')
    const { parseVkey, readCheckpoint, verifyCosignature } = await import('@keyferry/protocol')
    const witness = parseVkey(vkey)
    await withDevice(call, async (open) => {
      const { trust } = open.store.seen.state()
      const others = trust.witnesses.filter((other) => other !== vkey)
      const witnesses = remove === true ? others : [...others, vkey]
      if (remove !== true && force !== true) {
        const { note } = readCheckpoint((await currentCheckpoint(open)).note)
        if (typeof (await verifyCosignature(note, witness)) !== 'number') throw notYet(witness.name)
      }
      const wanted =
        quorum ??
        (remove === true ? Math.min(trust.quorum, witnesses.length) : Math.min(trust.quorum + 1, witnesses.length))
      const set = await changeTrust(open, { witnesses, quorum: wanted })
      call.output.answer({ witnesses, quorum: wanted, set: set.payload.seq }, [
        `${wanted} of ${witnesses.length} witnesses must have seen the log, by set ${set.payload.seq}`,
      ])
      call.output.say('your other devices learn it from that set')
    })
  })
}

function notYet(name: string): CliError {
  return new CliError('wrong-use', `${name} has not cosigned the log of this server`, {
    more: 'To demand it now would stop every transfer of yours.',
    hint: 'ask whoever runs the server to add it; or --force',
  })
}
