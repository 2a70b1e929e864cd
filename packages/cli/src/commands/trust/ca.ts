import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { fingerprint } from '../../console/ids.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly remove?: boolean
  readonly yes?: boolean
}

/** PROTOCOL 3 (3): a CA of the trust file may say whose root is whose, for all devices of this user. */
export function trustCaCommand(system: System): Command {
  const command = new Command('ca')
    .summary('believe the names that an organisation certifies')
    .description(
      'Lets an organisation CA say which root belongs to which name, for all your devices. Whoever controls that CA can pass somebody off as another. Works where the root key is.',
    )
    .argument('<file>', 'public key of the CA: JWK, PEM or certificate')
    .option('--remove', 'believe it no longer')
    .option('--yes', 'you compared its digits already')
  withExamples(command, [
    ['keyferry trust ca company.pem', ''],
    ['keyferry trust ca company.pem --remove', ''],
  ])
  return does<Options>(command, system, 'not changed', async (call, { remove, yes }, file) => {
    const { changeTrust, readyToSign } = await import('@keyferry/device')
    const { caIdOf } = await import('../../trust/ca-file.ts')
    const id = caIdOf(readFileSync(file))
    await withDevice(call, async (open) => {
      await readyToSign(open)
      const { trust } = open.store.seen.state()
      const question = `Compare with a copy that did not come through the server: ${fingerprint(id)}. The same?`
      if (remove !== true && yes !== true && !(await call.prompts.confirm(question, '--yes'))) {
        throw new CliError('answered-no', 'the digits are not the same')
      }
      const others = trust.cas.filter((ca) => ca !== id)
      const cas = remove === true ? others : [...others, id]
      const set = await changeTrust(open, { cas })
      const said = remove === true ? 'No longer trusted' : 'Trusted'
      call.output.answer({ ca: id, cas, set: set.payload.seq }, [
        `${said}   ${fingerprint(id, 16)} …   by set ${set.payload.seq}`,
      ])
      call.output.say('your other devices learn it from that set')
    })
  })
}
