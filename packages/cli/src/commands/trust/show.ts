import { Command } from 'commander'
import { withExamples } from '../../console/help.ts'
import { fingerprint } from '../../console/ids.ts'
import { quoted } from '../../console/quoted.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function trustShowCommand(system: System): Command {
  const command = new Command('show')
    .summary('what this device believes')
    .description('Shows what this device believes: server keys, log, witnesses, organisation CAs, people.')
  withExamples(command, [['keyferry trust show', '']])
  return does(command, system, 'not shown', async (call) => {
    await withDevice(call, async (open) => {
      const { trust, user, username, origin } = open.store.seen.state()
      const servers = open.store.serverKeys.list().map(({ id }) => id)
      const pins = open.store.pins.list()
      call.output.answer({ origin, user, username, serverKeys: servers, ...trust, pins }, [
        `you       ${username}   ${fingerprint(user)}`,
        `server    ${origin}`,
        ...servers.map((id) => `  key     ${fingerprint(id)}`),
        `log       ${trust.log}`,
        `witness   ${trust.quorum} of ${trust.witnesses.length}`,
        ...trust.witnesses.map((vkey) => `          ${vkey}`),
        `CAs       ${trust.cas.length === 0 ? 'none' : ''}`.trimEnd(),
        ...trust.cas.map((id) => `          ${fingerprint(id)}`),
        `people    ${pins.length === 0 ? 'nobody pinned' : ''}`.trimEnd(),
        ...pins.map((pin) => `          ${quoted(pin.username)}   ${fingerprint(pin.user)}`),
      ])
    })
  })
}
