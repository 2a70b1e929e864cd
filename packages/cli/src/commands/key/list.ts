import { Command } from 'commander'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { shortId } from '../../console/ids.ts'
import { withDevice } from '../../device/open.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

export function keyListCommand(system: System): Command {
  const command = new Command('list')
    .summary('keys that this device holds or knows')
    .description('Lists the keys that this device holds or knows.')
  withExamples(command, [
    ['keyferry key list', ''],
    ["keyferry key list --json | jq -r 'select(.held).label'", 'names of those that are here'],
  ])
  return does(command, system, 'not listed', async (call) => {
    const { keyShown, kindOfKey } = await import('../../views/key.ts')
    await withDevice(call, async (open) => {
      const keys = open.store.keys.list().map((record) => keyShown(open, record))
      if (keys.length === 0) call.output.none('no key yet: keyferry key add FILE')
      const rows = columns(
        keys.map((key) => [
          key.label,
          kindOfKey(key),
          key.class,
          `generation ${key.generation}`,
          shortId(key.id),
          key.held ? '' : 'not here',
        ]),
      )
      for (const [i, key] of keys.entries()) call.output.answer(key, [rows[i] ?? ''])
    })
  })
}
