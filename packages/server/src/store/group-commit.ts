/** How units of work share a transaction. */
export interface GroupCommitRules<U, R> {
  /** Octets of a unit, about. */
  weigh(unit: U): number
  /**
   * Writes a batch in one transaction and makes it durable. One outcome per unit, in order: a unit that fails does so alone.
   * If it rejects, all units of the batch failed.
   */
  write(batch: readonly U[]): Promise<readonly (R | Error)[]>
}

export interface GroupCommit<U, R> {
  commit(unit: U): Promise<R>
  /** Resolves once nothing waits and nothing is being written. */
  idle(): Promise<void>
}

export const MAX_BATCH_UNITS = 128
export const MAX_BATCH_OCTETS: number = 256 * 1024
/** However many come, the first does not wait longer for them. */
const GATHER_MILLISECONDS = 20

interface Waiting<U, R> {
  readonly unit: U
  readonly octets: number
  resolve(result: R): void
  reject(error: unknown): void
}

/**
 * Commits as soon as a turn of the event loop brings no other unit; gathers meanwhile, and while a commit runs. Under load units come in
 * waves, and a transaction costs far more than one more unit in it; a unit that comes alone waits for one empty turn.
 */
export function groupCommit<U, R>(rules: GroupCommitRules<U, R>): GroupCommit<U, R> {
  const queue: Waiting<U, R>[] = []
  let writing = false
  let whenIdle: (() => void)[] = []

  function next(): void {
    writing = queue.length > 0
    if (writing) {
      gather(0, performance.now() + GATHER_MILLISECONDS)
      return
    }
    for (const tell of whenIdle) tell()
    whenIdle = []
  }

  function gather(count: number, until: number): void {
    setImmediate(() => {
      const grows = queue.length > count && queue.length < MAX_BATCH_UNITS
      if (grows && performance.now() < until) gather(queue.length, until)
      else write(takeBatch())
    })
  }

  function takeBatch(): Waiting<U, R>[] {
    let count = 0
    let octets = 0
    for (const waiting of queue) {
      if (count === MAX_BATCH_UNITS || (count > 0 && octets + waiting.octets > MAX_BATCH_OCTETS)) break
      octets += waiting.octets
      count++
    }
    return queue.splice(0, count)
  }

  function write(batch: readonly Waiting<U, R>[]): void {
    rules.write(batch.map(({ unit }) => unit)).then(
      (outcomes) => {
        // First: the next batch is written while the answers of this one are worked on.
        next()
        batch.forEach(({ resolve, reject }, i) => {
          const outcome = outcomes[i] as R | Error
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        })
      },
      (error: unknown) => {
        next()
        for (const { reject } of batch) reject(error)
      },
    )
  }

  return {
    commit: (unit) =>
      new Promise((resolve, reject) => {
        queue.push({ unit, octets: rules.weigh(unit), resolve, reject })
        if (!writing) next()
      }),
    idle: () => (writing ? new Promise((resolve) => whenIdle.push(resolve)) : Promise.resolve()),
  }
}
