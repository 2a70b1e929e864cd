import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { ALL_HINTS } from '../src/console/hints.ts'
import { program } from '../src/program.ts'
import { thisSystem } from '../src/system.ts'

const root = program(thisSystem())

/** Lines of code that speak to people: the sources of the three packages that do, without comments. */
function spoken(): readonly (readonly [place: string, text: string])[] {
  return ['cli', 'device', 'server'].flatMap((name) => {
    const folder = join(import.meta.dirname, '..', '..', name, 'src')
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .flatMap((path) =>
        readFileSync(join(folder, path), 'utf8')
          .split('\n')
          .map((line, i): [string, string] => [`${name}/${path}:${i + 1}`, line])
          .filter(([, line]) => !/^\s*(?:\*|\/\/|\/\*|import |export .* from )|utf8\(/.test(line)),
      )
  })
}

/** What follows `keyferry` in a text, up to where the command ends. */
const COMMAND =
  /(?<![\w./-])keyferry ((?:--?[a-z][\w-]*|[a-z][a-z-]*|[A-Z]+|…|\.\.\.|\$\{[^}]*\}|\d+|"[^"]*")(?: (?=\S)|$|(?=[^\w ])))+/g

interface Named {
  readonly command: Command
  readonly words: readonly string[]
}

function named(text: string): Named {
  const words = text.split(' ').slice(1)
  let command = root
  for (const word of words) {
    const next = command.commands.find((sub) => sub.name() === word)
    if (next === undefined) break
    command = next
  }
  return { command, words }
}

const optionsOf = (command: Command): readonly string[] =>
  [...command.options, ...root.options].flatMap(({ long }) => (long ? [long] : [])).concat('--help')

describe('what people are told to type', () => {
  const told = spoken().flatMap(([place, line]) =>
    [...line.matchAll(COMMAND)].map(([text]): [string, string] => [place, text.trim()]),
  )

  it('is found by this test', () => {
    expect(told.length).toBeGreaterThan(80)
  })

  it('names commands that there are', () => {
    const unknown = told.filter(([, text]) => {
      const { command, words } = named(text)
      const first = words[0] ?? ''
      if (command === root) return /^(?:\$\{)?[a-z]/.test(first)
      const next = words[words.indexOf(command.name()) + 1] ?? ''
      return command.commands.length > 0 && /^[a-z]/.test(next)
    })
    expect(unknown).toEqual([])
  })

  it('names options that the command has', () => {
    const unknown = told.filter(([, text]) => {
      const { command, words } = named(text)
      return words.some((word) => /^--[a-z]/.test(word) && !optionsOf(command).includes(word))
    })
    expect(unknown).toEqual([])
  })

  it('names options of some command where it names none', () => {
    const all = new Set<string>()
    const collect = (command: Command): void => {
      for (const option of optionsOf(command)) all.add(option)
      command.commands.forEach(collect)
    }
    collect(root)
    const hints = spoken().filter(([, line]) => /hint|instead|Error\(/.test(line))
    const options = hints.flatMap(([place, line]) =>
      line.includes('systemctl')
        ? []
        : [...line.matchAll(/(?<=[\s'`(])--[a-z][a-z-]*/g)].map(([option]): [string, string] => [place, option]),
    )
    expect(options.length).toBeGreaterThan(10)
    expect(options.filter(([, option]) => !all.has(option))).toEqual([])
  })

  it('has a command before each option where many commands give the same advice', () => {
    const ofAll = root.options.map(({ long }) => long)
    const bare = ALL_HINTS.flatMap((hint) =>
      [...hint.replace(COMMAND, '').matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option),
    )
    expect(bare.filter((option) => !ofAll.includes(option))).toEqual([])
  })
})
