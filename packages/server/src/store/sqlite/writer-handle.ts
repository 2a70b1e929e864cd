import { Worker } from 'node:worker_threads'
import type { UnitOutcome, WireUnit, WriterReply, WriterRequest, WriterSetup } from './messages.ts'
import { unavailable } from './sqlite-errors.ts'

/** The writer thread, seen from the main one. One call at a time. */
export interface WriterHandle {
  /** @throws {KeyferryError} `unavailable`: nothing of the batch was written; or the thread ended, and nobody knows. */
  write(units: readonly WireUnit[]): Promise<readonly UnitOutcome[]>
  /** False once the thread ended by itself. */
  readonly alive: boolean
  close(): Promise<void>
}

/** Resolves once the thread has opened the database. */
export async function startWriter(setup: WriterSetup): Promise<WriterHandle> {
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: setup, name: 'store-writer' })
  let alive = true
  let waiting: { resolve(reply: WriterReply): void; reject(error: unknown): void } | null = null
  const reply = (): Promise<WriterReply> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
      // Holds the process while it waits for an answer, and only then.
      worker.ref()
    })
  const settle = (how: 'resolve' | 'reject', value: unknown): void => {
    worker.unref()
    waiting?.[how](value as WriterReply)
    waiting = null
  }
  worker.on('message', (message: WriterReply) => settle('resolve', message))
  worker.on('error', (error: Error & { errcode?: number }) => {
    alive = false
    settle('reject', unavailable(error.errcode ?? null, error.message))
  })
  worker.on('exit', () => {
    alive = false
    settle('reject', unavailable(null, 'the writer thread ended'))
  })
  const ask = (request: WriterRequest): Promise<WriterReply> => {
    const answer = reply()
    worker.postMessage(request)
    return answer
  }
  await reply()
  return {
    get alive() {
      return alive
    },
    async write(units) {
      const answer = await ask(units)
      if ('outcomes' in answer) return answer.outcomes
      if ('failed' in answer) throw unavailable(answer.failed.errcode, answer.failed.message)
      throw unavailable(null, 'the writer thread answered something else')
    },
    async close() {
      if (alive) await ask('close')
    },
  }
}
