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

const turn = () => new Promise(setImmediate)
/** What came has been taken, and a turn in which nothing came has passed. */
const quiet = async () => {
  for (let i = 0; i < 3; i++) await turn()
}
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('group commit', () => {
  it('commits what comes together, and gathers while a commit runs', async () => {
    const { names, end, commit } = slowWriter()
    const first = [commit(0), commit(1)]
    expect(names()).toEqual([])
    await quiet()
    expect(names()).toEqual([[0, 1]])
    const others = [commit(2), commit(3)]
    await quiet()
    expect(names()).toEqual([[0, 1]])
    end(0).with([10, 11])
    expect(await Promise.all(first)).toEqual([10, 11])
    await quiet()
    expect(names()).toEqual([
      [0, 1],
      [2, 3],
    ])
    end(1).with([12, 13])
    expect(await Promise.all(others)).toEqual([12, 13])
  })

  it('gathers as long as each turn brings another unit', async () => {
    const { names, end, commit } = slowWriter()
    const units: Promise<number>[] = []
    for (const name of [0, 1, 2]) {
      units.push(commit(name))
      await turn()
      expect(names()).toEqual([])
    }
    await turn()
    expect(names()).toEqual([[0, 1, 2]])
    end(0).with([10, 11, 12])
    expect(await Promise.all(units)).toEqual([10, 11, 12])
  })

  it('makes nobody wait for a stream of others that does not end', async () => {
    const { names, commit } = slowWriter()
    const until = performance.now() + 5000
    for (let name = 0; names().length === 0 && performance.now() < until; name++) {
      void commit(name)
      await turn()
    }
    const [first = []] = names()
    expect(first.length).toBeGreaterThan(1)
    expect(first.length).toBeLessThanOrEqual(MAX_BATCH_UNITS)
  })

  it('caps a batch by units and by octets; a unit above the cap goes alone', async () => {
    const { group, names, end, commit } = slowWriter()
    const all = upTo(MAX_BATCH_UNITS + 2).map((i) => commit(i))
    all.push(commit(200, MAX_BATCH_OCTETS + 1), commit(201, MAX_BATCH_OCTETS - 1), commit(202), commit(203))
    await quiet()
    for (let i = 0; i < names().length; i++) {
      end(i).with((names()[i] as number[]).map(Number))
      await quiet()
    }
    const [first, ...rest] = names()
    expect(first).toHaveLength(MAX_BATCH_UNITS)
    expect(rest).toEqual([[128, 129], [200], [201, 202], [203]])
    expect((await Promise.all(all)).length).toBe(MAX_BATCH_UNITS + 6)
    await group.idle()
  })

  it('lets a bad unit fail alone', async () => {
    const { end, commit } = slowWriter()
    const units = [commit(0), commit(1)]
    await quiet()
    end(0).with([new Error('bad'), 2])
    await expect(units[0]).rejects.toThrow('bad')
    expect(await units[1]).toBe(2)
  })

  it('fails a whole batch with the disk, and goes on with the next', async () => {
    const { end, commit, group } = slowWriter()
    const first = commit(0)
    await quiet()
    const second = commit(1)
    end(0).failing(new Error('disk full'))
    await expect(first).rejects.toThrow('disk full')
    let idle = false
    const whenIdle = group.idle().then(() => {
      idle = true
    })
    await quiet()
    expect(idle).toBe(false)
    end(1).with([1])
    expect(await second).toBe(1)
    await whenIdle
  })
})
