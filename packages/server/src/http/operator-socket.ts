import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'

/** A listener whose requests need no signature: who may open it is an administrator (PROTOCOL 15, "U admin"). */
export interface OperatorSocket {
  /** Whether this request came through it. */
  owns(request: IncomingMessage): boolean
  /**
   * Listens at a socket that only the owner of the data folder may open. A socket that a killed server left behind is replaced;
   * one at which somebody answers is not.
   */
  listen(path: string): Promise<void>
  close(): Promise<void>
}

/** On Windows sockets are named pipes: the name is made from the path, so that it is one per data folder. */
export function operatorAddress(path: string, platform: NodeJS.Platform = process.platform): string {
  if (platform !== 'win32') return path
  return `\\\\.\\pipe\\keyferry-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
}

export function operatorSocket(listener: RequestListener): OperatorSocket {
  const requests = new WeakSet<IncomingMessage>()
  const server = createServer((request, response) => {
    requests.add(request)
    listener(request, response)
  })
  return {
    owns: (request) => requests.has(request),
    async listen(path) {
      const address = operatorAddress(path)
      if (address === path) await removeStale(path)
      await listenPrivately(server, address)
    },
    async close() {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** The socket is made inside `listen`, at once: with this mask nobody else can open it, not even for a moment. */
async function listenPrivately(server: Server, address: string): Promise<void> {
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address, resolve)
      process.umask(mask)
    })
  } finally {
    process.umask(mask)
    server.removeAllListeners('error')
  }
}

async function removeStale(path: string): Promise<void> {
  const state = await new Promise<'answered' | 'stale' | 'absent'>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve('answered')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'stale' : 'absent'))
  })
  if (state === 'stale') await rm(path, { force: true })
}
