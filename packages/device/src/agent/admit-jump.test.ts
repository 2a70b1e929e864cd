import { readFileSync } from 'node:fs'
import { type KeyTransferAnswer, makeId, toBase64url, utf8 } from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DeviceStore } from '../store/device-store.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import { admitJump } from './admit-jump.ts'
import type { AgentParts } from './parts.ts'

const VECTORS = new URL('../../../../spec/vectors/delivery.json', import.meta.url)
const KTI = JSON.parse(JSON.parse(readFileSync(VECTORS, 'utf8')).binding.text)
const DL = makeId('dl', new Uint8Array(16).fill(2))

let store: DeviceStore
beforeEach(() => {
  store = memoryDeviceStore()
})

function admit(generation: number): 'given' | 'asked' {
  const binding = toBase64url(utf8(JSON.stringify({ ...KTI, key: { ...KTI.key, generation } })))
  const parts = { store, now: () => NOW, report: () => {} } as unknown as AgentParts
  return admitJump(parts, DL, 1, { binding } as KeyTransferAnswer)
}

function answers(answer: 'yes' | 'no'): void {
  const [question] = store.questions.open()
  if (question === undefined) throw new Error('nothing is asked')
  store.questions.decide(question, { answer, reason: null, at: NOW })
}

describe('a generation far ahead', () => {
  it('is taken unasked up to 1000 more than the last', () => {
    expect(admit(1000)).toBe('given')
    store.transaction(() => store.replay.accept(KTI.key.id, 500, false))
    expect(admit(1500)).toBe('given')
    expect(store.questions.open()).toEqual([])
  })

  it('is asked about beyond, and taken or not as its human says', () => {
    expect(admit(1001)).toBe('asked')
    expect(store.questions.open()).toMatchObject([{ kind: 'jump', facts: { last: 0, generation: 1001 } }])
    answers('yes')
    expect(admit(1001)).toBe('given')
    // Another one is another question.
    expect(admit(1002)).toBe('asked')
    answers('no')
    expect(() => admit(1002)).toThrow(expect.objectContaining({ code: 'declined' }))
  })
})
