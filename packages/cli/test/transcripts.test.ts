import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serverMachine } from './server-machine.ts'
import { type Machine, machine, normalised, readTranscript, type Step, writeTranscript } from './transcript.ts'

const ALONE = join(import.meta.dirname, 'transcripts')
const WITH_SERVER = join(ALONE, 'server')

/** `KEYFERRY_TRANSCRIPTS=write npx vitest run …` puts down what happens instead of comparing: then read the difference. */
const WRITE = process.env.KEYFERRY_TRANSCRIPTS === 'write'

function transcripts(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.txt'))
}

async function compare(path: string, here: Machine): Promise<void> {
  const { steps, remarks } = readTranscript(readFileSync(path, 'utf8'))
  const happened: Step[] = []
  for (const { typed } of steps) happened.push(normalised(await here.run(typed), here))
  if (WRITE) writeFileSync(path, writeTranscript({ steps: happened, remarks }))
  else expect(happened).toEqual(steps)
}

describe('the command on a machine where nothing is yet', () => {
  it.each(transcripts(ALONE))('says what %s says', { timeout: 100_000 }, async (name) => {
    const here = machine()
    try {
      await compare(join(ALONE, name), here)
    } finally {
      here.remove()
    }
  })
})

describe('the command on a machine with a server', () => {
  it.each(transcripts(WITH_SERVER))('says what %s says', { timeout: 400_000 }, async (name) => {
    const here = await serverMachine()
    try {
      await compare(join(WITH_SERVER, name), here)
    } finally {
      await here.stop()
    }
  })
})
