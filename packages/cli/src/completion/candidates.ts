import type { Argument, Command, Option } from 'commander'

export interface Candidate {
  readonly value: string
  readonly meaning: string
}

/** What may stand at the end of a line: words, and whether files may too. */
export interface Candidates {
  readonly words: readonly Candidate[]
  readonly files: boolean
}

/** Names of what this device knows, by the name that an argument or value has in the grammar: `key`, `device`, `transfer` ... */
export type NameSource = (kind: string) => Promise<readonly Candidate[]>

const NONE: Candidates = { words: [], files: false }
const FILES: ReadonlySet<string> = new Set(['file', 'folder'])

/**
 * Completes the last word from the grammar.
 * @param words - the words behind `keyferry`; the last one is the one to complete, perhaps empty.
 * @param literal - whether the script quotes what it is given, so that names may have any characters.
 */
export async function candidates(
  root: Command,
  words: readonly string[],
  known: NameSource,
  literal = false,
): Promise<Candidates> {
  const names: NameSource = async (kind) => (await known(kind)).filter(literal ? isOneWord : isPlain)
  const last = words.at(-1) ?? ''
  const { command, position, pending } = walk(root, words.slice(0, -1))
  if (pending !== null) return matching(await valuesOf(pending, names), last)
  const [, flag, value] = /^(--[a-z-]+)=(.*)$/.exec(last) ?? []
  if (flag !== undefined && value !== undefined) {
    const option = findOption(root, command, flag)
    const found = option === null || !takesValue(option) ? NONE : matching(await valuesOf(option, names), value)
    return { ...found, words: found.words.map((word) => ({ ...word, value: `${flag}=${word.value}` })) }
  }
  if (last.startsWith('-')) return matching({ words: optionWords(root, command), files: false }, last)
  const subcommands = position === 0 ? visible(command) : []
  const argument =
    command.registeredArguments[position] ?? command.registeredArguments.findLast((each) => each.variadic)
  const own = argument === undefined ? NONE : await valuesOf(argument, names)
  return matching({ words: [...subcommands, ...own.words], files: own.files }, last)
}

interface Place {
  readonly command: Command
  /** How many arguments stand before. */
  readonly position: number
  /** The option whose value comes next. */
  readonly pending: Option | null
}

function walk(root: Command, words: readonly string[]): Place {
  let place: Place = { command: root, position: 0, pending: null }
  for (const word of words) {
    const { command, position, pending } = place
    if (pending !== null) place = { ...place, pending: null }
    else if (word.startsWith('-')) {
      const option = word.includes('=') ? null : findOption(root, command, word)
      if (option !== null && takesValue(option)) place = { ...place, pending: option }
    } else {
      const next = position === 0 ? command.commands.find((sub) => sub.name() === word) : undefined
      place = next === undefined ? { ...place, position: position + 1 } : { command: next, position: 0, pending: null }
    }
  }
  return place
}

function visible(command: Command): readonly Candidate[] {
  const help = command.createHelp()
  return help.visibleCommands(command).map((sub) => ({ value: sub.name(), meaning: help.subcommandDescription(sub) }))
}

function optionWords(root: Command, command: Command): readonly Candidate[] {
  const options = [...command.createHelp().visibleOptions(command), ...(command === root ? [] : root.options)]
  return options.flatMap(({ long, description }) => (long ? [{ value: long, meaning: description }] : []))
}

function findOption(root: Command, command: Command, flag: string): Option | null {
  return [...command.options, ...root.options].find(({ long, short }) => long === flag || short === flag) ?? null
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

async function valuesOf(slot: Option | Argument, names: NameSource): Promise<Candidates> {
  if (slot.argChoices !== undefined)
    return { words: slot.argChoices.map((value) => ({ value, meaning: '' })), files: false }
  const kind = 'flags' in slot ? valueName(slot) : slot.name()
  return FILES.has(kind) ? { words: [], files: true } : { words: await names(kind), files: false }
}

/**
 * The scripts of most shells expand what they are given, and names may come from others: only words that no shell reads anything into are
 * offered there. Other names are typed in quotes.
 */
function isPlain({ value, meaning }: Candidate): boolean {
  return PLAIN.test(value) && PLAIN.test(`x${meaning}`)
}

/** Quoted it is a word and no option; and it is one line for the script. */
function isOneWord({ value, meaning }: Candidate): boolean {
  return value !== '' && !value.startsWith('-') && !/\p{C}|\p{Zl}|\p{Zp}/u.test(value + meaning)
}

const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]*$/u

/** `file` of `--tls-ca <file>`. */
function valueName(option: Option): string {
  return /[<[]([a-z-]+)/.exec(option.flags)?.[1] ?? ''
}

function matching({ words, files }: Candidates, begin: string): Candidates {
  return { words: words.filter(({ value }) => value.startsWith(begin)), files }
}

/** Lines for the scripts of the shells: a word, a tab, its meaning; last a colon and a directive (0: files too, 4: no files). */
export function candidateLines({ words, files }: Candidates): readonly string[] {
  return [...words.map(({ value, meaning }) => `${value}\t${meaning}`), `:${files ? 0 : 4}`]
}
