import { Argument, Command, Option } from 'commander'
import { describe, expect, it } from 'vitest'
import { candidateLines, candidates } from './candidates.ts'

const root = new Command('keyferry')
  .option('--json', 'JSON')
  .option('--profile <folder>', 'folder')
  .addCommand(
    new Command('key')
      .description('keys')
      .addCommand(
        new Command('add')
          .description('add a key')
          .argument('<file>')
          .addOption(new Option('--type <type>').choices(['aes', 'hmac'])),
      )
      .addCommand(new Command('show').description('show a key').argument('<key>')),
  )
root.addCommand(
  new Command('send')
    .argument('<key>')
    .option('--to <device...>')
    .addArgument(new Argument('[how]').choices(['now', 'later'])),
)

async function complete(words: readonly string[], literal = false): Promise<readonly string[]> {
  const names = async (kind: string) =>
    (kind === 'device'
      ? ['phone', 'desktop']
      : kind === 'key'
        ? ['id_ed25519', 'two words', '$(touch x)', '`x`', '-rf', 'a\tb', 'x;y']
        : []
    ).map((value) => ({
      value,
      meaning: '',
    }))
  return candidateLines(await candidates(root, words, names, literal)).map((line) => line.replace(/\t.*/, ''))
}

describe('completion', () => {
  it.each([
    ['commands', [''], ['key', 'send', 'help', ':4']],
    ['commands of a group', ['key', 'a'], ['add', ':4']],
    ['files where a file belongs', ['key', 'add', ''], [':0']],
    ['values of an option', ['key', 'add', '--type', ''], ['aes', 'hmac', ':4']],
    ['values behind an equals sign', ['key', 'add', '--type=h'], ['--type=hmac', ':4']],
    ['names of keys that no shell reads anything into', ['key', 'show', ''], ['id_ed25519', ':4']],
    ['names of devices', ['send', 'x', '--to', 'p'], ['phone', ':4']],
    ['the second argument', ['send', '--json', 'x', ''], ['now', 'later', ':4']],
    ['options of the command and of all', ['key', 'add', '--'], ['--type', '--help', '--json', '--profile', ':4']],
    ['nothing where nothing is known', ['key', 'show', 'x', ''], [':4']],
  ])('offers %s', async (_, words, expected) => {
    expect(await complete(words)).toEqual(expected)
  })

  it('offers names that are one word in quotes to a script that quotes them', async () => {
    const names = ['id_ed25519', 'two words', '$(touch x)', '`x`', 'x;y', ':4']
    expect(await complete(['key', 'show', ''], true)).toEqual(names)
  })
})
