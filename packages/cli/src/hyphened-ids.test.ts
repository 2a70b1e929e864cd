import { Command } from 'commander'
import { expect, it } from 'vitest'
import { markHyphenedIds, withoutMarks } from './hyphened-ids.ts'
import { does } from './invocation.ts'
import { thisSystem } from './system.ts'

const DEVICE = '-7_nLL9m0KQDzbux6I5QOw0eG1RdL6fbdyWyrnT7lgs'
const IDS = [DEVICE, `-${DEVICE.slice(0, -1)}`, `${DEVICE}/0tpbn4f2neatkmt5s8z6wygmzj`, '-L6D…', '-L6D…/280g']

it.each(IDS)('takes %s as an argument and as the value of an option, as it was typed', async (id) => {
  const taken: unknown[] = []
  const command = new Command('test').argument('<what>').option('--to <id>').option('--also <id...>').option('--yes')
  does<{ to?: string; also?: string[]; yes?: boolean }>(
    command,
    thisSystem(),
    'not tried',
    async (_call, options, what) => {
      taken.push(what, options.to, options.also, options.yes)
    },
  )
  await command.parseAsync(markHyphenedIds([id, '--to', id, '--also', id, 'other', '--yes']), { from: 'user' })
  expect(taken).toEqual([id, id, [id, 'other'], true])
})

it('leaves options and everything else alone', () => {
  const argv = ['--yes', '-h', '--passphrase-file', '--passphrase-file=x', '-', '--', 'phone', DEVICE.slice(1)]
  expect(markHyphenedIds(argv)).toEqual(argv)
  expect(withoutMarks({ yes: true, count: 1, names: ['a'] })).toEqual({ yes: true, count: 1, names: ['a'] })
})
