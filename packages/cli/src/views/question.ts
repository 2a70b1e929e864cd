import type { Question } from '@keyferry/device'
import { deviceFingerprint, shortId } from '../console/ids.ts'
import { ago, until } from '../console/times.ts'

/** What the agent wrote down about a question: what its human sees is what the answer holds for. */
function fact({ facts }: Question, name: string): string {
  const value =
    typeof facts === 'object' && !Array.isArray(facts) ? (facts as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Whether nothing proves yet whose key it is that waits: then no answer helps. */
export function isOfUnknown(question: Question): boolean {
  return question.kind === 'owner' && fact(question, 'how') === 'unknown'
}

/** @param nameOf - what the human here calls a device. */
export function questionTitle(question: Question, nameOf: (device: string) => string): string {
  const label = fact(question, 'label')
  const user = fact(question, 'username')
  switch (question.kind) {
    case 'give':
      return `${label} -> ${nameOf(fact(question, 'target'))}${user === '' ? '' : ` (${user})`}`
    case 'redelivery':
      return `${label} once more -> ${nameOf(fact(question, 'target'))}${user === '' ? '' : ` (${user})`}`
    case 'owner':
      return `${label} (${fact(question, 'type')}) <- ${user === '' ? deviceFingerprint(fact(question, 'owner')) : user}`
    case 'jump':
      return `${label} <- a generation far ahead (${fact(question, 'generation')})`
  }
}

export function questionRow(
  question: Question,
  number: number,
  nameOf: (device: string) => string,
  now: number,
): readonly string[] {
  const { askedAt, dl } = question
  return [
    String(number),
    questionTitle(question, nameOf),
    `asked ${ago(askedAt, now)}, ${until(question.until, now)}`,
    aboutWhom(question),
    shortId(dl),
  ]
}

function aboutWhom(question: Question): string {
  const known: Readonly<Record<string, string>> = {
    own: 'your own device',
    pinned: 'pinned',
    certified: 'certified by your organisation',
    tofu: 'known from one earlier time only',
    unknown: 'not pinned: nothing proves who it is',
  }
  const how = known[fact(question, 'how')] ?? ''
  return [fact(question, 'targetKind'), how].filter((word) => word !== '').join(', ')
}

/** What to read before yes is said. */
export function questionLines(question: Question, nameOf: (device: string) => string): readonly string[] {
  const title = questionTitle(question, nameOf)
  const person = fact(question, 'user') || fact(question, 'owner')
  const device = fact(question, 'target')
  const lines = [
    title,
    ...(device === '' ? [] : [`  device   ${deviceFingerprint(device)}   ${aboutWhom(question)}`]),
    ...(person === '' ? [] : [`  person   ${deviceFingerprint(person)} …   ${fact(question, 'username')}`]),
  ]
  return lines.map((line) => line.trimEnd())
}

export function questionSentence({ kind }: Question): string {
  switch (kind) {
    case 'give':
      return 'Give it?'
    case 'redelivery':
      return 'Give it once more?'
    case 'owner':
      return 'Take keys of this person?'
    case 'jump':
      return 'Take it although the generations between are missing?'
  }
}
