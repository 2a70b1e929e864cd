import { connect, type Socket } from 'node:net'

export interface HttpAnswer {
  readonly status: number
  readonly head: string
  readonly content: Buffer
}

/** One kept-alive HTTP/1.1 connection, one request at a time: far cheaper than a client library, so the generator is not the bound. */
export interface Connection {
  roundTrip(request: Buffer): Promise<HttpAnswer>
  close(): void
}

export async function openConnection(port: number): Promise<Connection> {
  const socket = await dial(port)
  let received: Buffer = Buffer.alloc(0)
  let pending: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | null = null
  const fail = (): void => pending?.reject(new Error('the server closed a connection'))
  socket.on('close', fail)
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = received.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (received.length < end + 4 + length) return
    const content = received.subarray(end + 4, end + 4 + length)
    received = received.subarray(end + 4 + length)
    pending?.resolve({ status: Number(head.slice(9, 12)), head, content })
  })
  return {
    roundTrip: (request) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject }
        socket.write(request)
      }),
    close: () => {
      pending = null
      socket.destroy()
    },
  }
}

/** Calls `onEvent` with the `data` of each server-sent event; resolves when the stream is open. */
export async function openEvents(
  port: number,
  request: Buffer,
  onEvent: (data: string) => void,
): Promise<{ close(): void }> {
  const socket = await dial(port)
  let received = ''
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error('the server closed a stream')))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
      if (received.startsWith('HTTP/1.1') && !received.startsWith('HTTP/1.1 200')) {
        reject(new Error(`no stream: ${received.slice(0, 400)}`))
      }
      for (let end = received.indexOf('\n\n'); end >= 0; end = received.indexOf('\n\n')) {
        const data = /data: (.*)/.exec(received.slice(0, end))?.[1]
        received = received.slice(end + 2)
        // The comment that opens a stream carries no data.
        if (data === undefined) resolve()
        else onEvent(data)
      }
    })
    socket.write(request)
  })
  return { close: () => socket.destroy() }
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}
