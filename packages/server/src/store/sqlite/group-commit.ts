import { Worker } from 'node:worker_threads'
import { KeyferryError } from '@keyferry/protocol'
import type { Change, Committed } from '../changes.ts'
import type { Batch, UnitResult } from './writer.ts'

const MAX_UNITS = 128
const MAX_OCTETS = 256 * 1024

interface Waiting {
  readonly changes: readonly Change[]
  readonly octets: number
  resolve(committed: Committed): void
  reject(error: Error): void
}

/** Hands units of work to the writer's thread: at once when it is idle; while it commits they gather and share the next transaction. */
export interface GroupCommit {
  commit(changes: readonly Change[]): Promise<Committed>
  /** Writes what waits, then ends the thread. */
  close(): Promise<void>
}

export function groupCommit(path: string): GroupCommit {
  const worker = new Worker(new URL('./writer.ts', import.meta.url), { workerData: { path } })
  const queue: Waiting[] = []
  let running: readonly Waiting[] = []
  let ended: Error | null = null
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const idle: (() => void)[] = []

  function next(): void {
    if (running.length > 0) return
    if (queue.length === 0) {
      for (const wake of idle.splice(0)) wake()
      return
    }
    const batch: Waiting[] = []
    let octets = 0
    while (queue.length > 0 && batch.length < MAX_UNITS && (batch.length === 0 || octets < MAX_OCTETS)) {
      const unit = queue.shift() as Waiting
      octets += unit.octets
      batch.push(unit)
    }
    running = batch
    worker.postMessage({ units: batch.map(({ changes }) => changes) } satisfies Batch)
  }

  worker.on('message', (results: readonly UnitResult[]) => {
    const answered = running
    running = []
    // The writer goes on while answers are given.
    next()
    answered.forEach((unit, i) => {
      settle(unit, results[i] as UnitResult)
    })
  })
  worker.on('error', (cause) => stop(unavailable(cause)))
  worker.on('exit', () => stop(unavailable()))

  function stop(error: Error): void {
    ended ??= error
    for (const unit of [...running, ...queue.splice(0)]) unit.reject(error)
    running = []
    for (const wake of idle.splice(0)) wake()
  }

  return {
    commit(changes) {
      if (ended !== null) return Promise.reject(ended)
      return new Promise((resolve, reject) => {
        queue.push({ changes, octets: octetsOf(changes), resolve, reject })
        next()
      })
    },
    async close() {
      if (running.length > 0 || queue.length > 0) await new Promise<void>((resolve) => idle.push(resolve))
      ended ??= unavailable()
      worker.postMessage('close')
      await exited
    },
  }
}

function settle(unit: Waiting, result: UnitResult): void {
  if ('failed' in result) {
    const { code, message, details } = result.failed
    unit.reject(new KeyferryError(code, message, details))
  } else {
    unit.resolve({ leafIndexes: result.leafIndexes })
  }
}

function unavailable(cause?: unknown): KeyferryError {
  return new KeyferryError('unavailable', 'the store is closed', { retryAfter: 5 }, { cause })
}

/** Envelopes are what is large; the rest of a change is about a kilobyte. */
function octetsOf(changes: readonly Change[]): number {
  return changes.reduce(
    (sum, change) => sum + 1024 + (change.kind === 'insert-envelope' ? change.row.sealed.length : 0),
    0,
  )
}
