import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BASH_SCRIPT } from './bash.ts'

const BASH = '/bin/bash'

interface Completed {
  /** What `keyferry complete` was given. */
  readonly asked: readonly string[]
  readonly replies: readonly string[]
}

/** TAB at the end of words as bash splits a line: with their quotes. The program answers with `names`. */
function complete(words: readonly string[], names: readonly string[] = []): Completed {
  const program = `
keyferry() { printf '%s\\n' "\${@:4}" >&3; printf '%s\\t\\n' "\${names[@]}"; echo :4; }
COMP_WORDS=(keyferry "$@"); COMP_CWORD=$#
__keyferry_complete 3>&1; wait; echo --; printf '%s\\n' "\${COMPREPLY[@]}"`
  const given = `names=(${names.map((name) => `'${name.replaceAll("'", "'\\''")}'`).join(' ')})\n`
  const script = `${BASH_SCRIPT}${BASH_SCRIPT}${given}${program}`
  const printed = execFileSync(BASH, ['-c', script, 'bash', ...words], {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { HOME: '/h' },
  })
  const [asked = '', replies = ''] = printed.split('--\n')
  const lines = (text: string): string[] => text.split('\n').slice(0, -1)
  return { asked: lines(asked), replies: lines(replies).filter((line) => line !== '') }
}

describe.skipIf(!existsSync(BASH))('the script for bash', () => {
  it('can be sourced twice without a word', () => {
    const printed = execFileSync(BASH, ['-c', `exec 2>&1\n${BASH_SCRIPT}${BASH_SCRIPT}`], { encoding: 'utf8' })
    expect(printed).toBe('')
  })

  it.each([
    ['a new word', ['key', 'show', ''], ['key', 'show', '']],
    ['words in quotes', ['send', '"ssh lap'], ['send', 'ssh lap']],
    ['escaped words', ['send', 'ssh\\ lap'], ['send', 'ssh lap']],
    ['a closed quote', ['send', "'ssh laptop'", '--to', ''], ['send', 'ssh laptop', '--to', '']],
    ['an option with its value', ['key', 'add', '--type', '=', 'h'], ['key', 'add', '--type=h']],
    ['an option and what follows', ['send', '--to', '=', 'x', 'y'], ['send', '--to=x', 'y']],
    ['the home folder', ['--profile', '~/p', ''], ['--profile', '/h/p', '']],
    [
      'a command in the line, as it stands',
      ['key', '$(touch x)', '`id`', '$HOME', ''],
      ['key', '$(touch x)', '`id`', '$HOME', ''],
    ],
    ['a command in quotes, as it stands', ['key', '"$(touch x)'], ['key', '$(touch x)']],
  ])('asks for %s', (_, words, expected) => {
    expect(complete(words).asked).toEqual(expected)
  })

  it.each([
    ['without quotes', [''], ['ssh laptop', '$(x)', "it's"], ['ssh\\ laptop', '\\$\\(x\\)', "it\\'s"]],
    [
      'in double quotes',
      ['"s'],
      ['ssh laptop', '$(x) `y` "z" \\', 'no!'],
      ['ssh laptop', '\\$(x) \\`y\\` \\"z\\" \\\\'],
    ],
    ['in single quotes', ["'s"], ['ssh laptop', '$(x)', "it's"], ['ssh laptop', '$(x)']],
    ['behind an equals sign', ['--type', '=', 'h'], ['--type=hmac'], ['hmac']],
    ['right behind an equals sign', ['--type', '='], ['--type=hmac'], ['hmac']],
  ])('puts names there that are quoted: %s', (_, words, names, expected) => {
    expect(complete(words, names).replies).toEqual(expected)
  })
})
