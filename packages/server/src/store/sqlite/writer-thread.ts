import { parentPort, workerData } from 'node:worker_threads'
import type { WriterReply, WriterRequest, WriterSetup } from './messages.ts'
import { openWriter } from './writer.ts'

// Runs in the writer thread: batches in, outcomes out; and empties the WAL after erasures.

/** So long nothing was asked: time to tidy. */
const IDLE_MS = 250
/** Under load it is done all the same. */
const AT_LATEST_MS = 30_000

const port = parentPort
if (port === null) throw new Error('runs in a worker thread only')
const writer = openWriter(workerData as WriterSetup)
let erasedSince: number | null = writer.erased ? Date.now() : null
const idle = setInterval(tidy, IDLE_MS)

function tidy(): void {
  if (writer.erased) writer.tidy()
  erasedSince = writer.erased ? (erasedSince ?? Date.now()) : null
}

function reply(message: WriterReply): void {
  port?.postMessage(message)
}

port.on('message', (request: WriterRequest) => {
  if (request === 'close') {
    clearInterval(idle)
    writer.close()
    reply({ closed: true })
    port.close()
    return
  }
  reply(writer.write(request))
  idle.refresh()
  if (!writer.erased) return
  erasedSince ??= Date.now()
  if (Date.now() - erasedSince > AT_LATEST_MS) tidy()
})

reply({ opened: true })
