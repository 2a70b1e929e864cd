import { KeyferryError } from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import type { Change } from '../store/changes.ts'
import { decideAndCommit, done } from './unit-of-work.ts'

const CHANGE: Change = { kind: 'put-meta', name: 'a', value: 'b' }

/** Fails with these, one after the other, then writes. */
function failingWith(...errors: Error[]): { commit(): Promise<{ leafIndexes: number[] }>; commits: number } {
  return {
    commits: 0,
    async commit() {
      this.commits++
      const error = errors.shift()
      if (error !== undefined) throw error
      return { leafIndexes: [7] }
    },
  }
}
const conflict = () => new KeyferryError('state-conflict', 'another writer was first')

describe('a unit of work', () => {
  it('is decided anew from what is read anew when another writer was first', async () => {
    const store = failingWith(conflict(), conflict())
    let reads = 0
    const decide = async () => ({ changes: [CHANGE], answer: (indexes: readonly number[]) => [++reads, indexes] })
    expect(await decideAndCommit(store, decide)).toEqual([1, [7]])
    expect(store.commits).toBe(3)
  })

  it('gives up in the end', async () => {
    const store = failingWith(...Array.from({ length: 100 }, conflict))
    const decide = async () => ({ changes: [CHANGE], answer: () => 'written' })
    await expect(decideAndCommit(store, decide)).rejects.toMatchObject({ code: 'state-conflict' })
    expect(store.commits).toBeLessThan(20)
  })

  it('does not ask again when it is refused for any other reason, or refuses itself', async () => {
    const store = failingWith(new KeyferryError('unavailable', 'the disk is full'))
    const decide = async () => ({ changes: [CHANGE], answer: () => 'written' })
    await expect(decideAndCommit(store, decide)).rejects.toMatchObject({ code: 'unavailable' })
    const refuse = async () => Promise.reject(new KeyferryError('state-conflict', 'the state does not allow this'))
    await expect(decideAndCommit(store, refuse)).rejects.toMatchObject({ code: 'state-conflict' })
    expect(store.commits).toBe(1)
  })

  it('says which check failed when a key has another role', async () => {
    const store = failingWith(new KeyferryError('key-in-use', 'a key has another role'))
    const decide = async () => ({ changes: [CHANGE], answer: () => 'written' })
    await expect(decideAndCommit(store, decide)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'key-in-use' },
    })
  })

  it('writes nothing when it was done before', async () => {
    const store = failingWith()
    expect(await decideAndCommit(store, async () => done('view'))).toEqual({ view: 'view', created: false })
    expect(store.commits).toBe(0)
  })
})
