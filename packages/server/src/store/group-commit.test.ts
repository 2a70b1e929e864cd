import { describe, expect, it } from 'vitest'
import { groupCommit, MAX_BATCH_OCTETS, MAX_BATCH_UNITS } from './group-commit.ts'

interface Unit {
  readonly name: number
  readonly octets: number
}

/** A writer whose batches end when the test says so. */
function slowWriter() {
  const batches: Unit[][] = []
  const ends: { with(outcomes: (number | Error)[]): void; failing(error: Error): void }[] = []
  const group = groupCommit<Unit, number>({
    weigh: ({ octets }) => octets,
    write: (batch) =>
      new Promise((resolve, reject) => {
        batches.push([...batch])
        ends.push({ with: resolve, failing: reject })
      }),
  })
  const names = () => batches.map((batch) => batch.map(({ name }) => name))
  return {
    group,
    names,
    end: (i: number) => ends[i] as (typeof ends)[number],
    commit: (name: number, octets = 1) => group.commit({ name, octets }),
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('group commit', () => {
  it('commits at once when idle, and gathers while a commit runs', async () => {
    const { names, end, commit } = slowWriter()
    const first = commit(0)
    expect(names()).toEqual([[0]])
    const others = [commit(1), commit(2)]
    expect(names()).toEqual([[0]])
    end(0).with([10])
    expect(await first).toBe(10)
    expect(names()).toEqual([[0], [1, 2]])
    end(1).with([11, 12])
    expect(await Promise.all(others)).toEqual([11, 12])
  })

  it('caps a batch by units and by octets; a unit above the cap goes alone', async () => {
    const { group, names, end, commit } = slowWriter()
    const all = [commit(0), ...upTo(MAX_BATCH_UNITS + 1).map((i) => commit(i + 1))]
    all.push(commit(200, MAX_BATCH_OCTETS + 1), commit(201, MAX_BATCH_OCTETS - 1), commit(202), commit(203))
    for (let i = 0; i < names().length; i++) {
      end(i).with((names()[i] as number[]).map(Number))
      await new Promise(setImmediate)
    }
    const [, second, ...rest] = names()
    expect(second).toHaveLength(MAX_BATCH_UNITS)
    expect(rest).toEqual([[129], [200], [201, 202], [203]])
    expect((await Promise.all(all)).length).toBe(MAX_BATCH_UNITS + 6)
    await group.idle()
  })

  it('lets a bad unit fail alone', async () => {
    const { end, commit } = slowWriter()
    const units = [commit(0), commit(1), commit(2)]
    end(0).with([0])
    await units[0]
    end(1).with([new Error('bad'), 2])
    await expect(units[1]).rejects.toThrow('bad')
    expect(await units[2]).toBe(2)
  })

  it('fails a whole batch with the disk, and goes on with the next', async () => {
    const { end, commit, group } = slowWriter()
    const [first, second] = [commit(0), commit(1)]
    end(0).failing(new Error('disk full'))
    await expect(first).rejects.toThrow('disk full')
    let idle = false
    const whenIdle = group.idle().then(() => {
      idle = true
    })
    await null
    expect(idle).toBe(false)
    end(1).with([1])
    expect(await second).toBe(1)
    await whenIdle
  })
})
