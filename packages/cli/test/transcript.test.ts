import { expect, it } from 'vitest'
import { readTranscript, writeTranscript } from './transcript.ts'

const TEXT = `# First
$ keyferry a
out

more out
2| aside
= 4

# Then

$ keyferry b
$ keyferry c
# not a remark
`

it('reads a transcript and writes it again as it was', () => {
  expect(writeTranscript(readTranscript(TEXT))).toBe(TEXT)
  expect(readTranscript(TEXT).steps).toEqual([
    { typed: 'keyferry a', stdout: 'out\n\nmore out', stderr: 'aside', exit: 4 },
    { typed: 'keyferry b', stdout: '', stderr: '', exit: 0 },
    { typed: 'keyferry c', stdout: '# not a remark', stderr: '', exit: 0 },
  ])
})
