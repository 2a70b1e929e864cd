import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { machine, normalised, readTranscript, type Step, writeTranscript } from './transcript.ts'

const FOLDER = join(import.meta.dirname, 'transcripts')

/** `KEYFERRY_TRANSCRIPTS=write npx vitest run …` puts down what happens instead of comparing: then read the difference. */
const WRITE = process.env.KEYFERRY_TRANSCRIPTS === 'write'

describe('the command on a machine where nothing is yet', () => {
  it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.txt')))('says what %s says', async (name) => {
    const path = join(FOLDER, name)
    const { steps, remarks } = readTranscript(readFileSync(path, 'utf8'))
    const here = machine()
    const happened: Step[] = []
    try {
      for (const step of steps) happened.push(normalised(await here.run(step.typed), here))
    } finally {
      here.remove()
    }
    if (WRITE) writeFileSync(path, writeTranscript({ steps: happened, remarks }))
    else expect(happened).toEqual(steps)
  })
})
