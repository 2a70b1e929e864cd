import { readFileSync } from 'node:fs'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'

/** One request of a device, under a name that is the same in every transfer: `PUT /v1/deliveries/{dl}/envelopes/1`. */
export interface Passing {
  /** Who signed it. */
  readonly keyid: string
  readonly name: string
}

/** `arrived`: the server has not got it. `done`: the server has answered, and nobody got the answer. `answered`: the device has it. */
export type Moment = 'arrived' | 'done' | 'answered'

/** What becomes of an exchange: it goes on, or its connection ends here. */
export type Watch = (moment: Moment, passing: Passing) => Promise<'on' | 'cut'>

export interface WatchedProxy {
  close(): Promise<void>
}

/**
 * Does TLS before a server that speaks plain HTTP, as an operator's proxy does, and lets a test stop every exchange. It changes nothing:
 * requests and answers are signed. Where no server listens, the connection just ends.
 */
export async function watchedProxy(
  place: { readonly tlsFolder: string; readonly port: number; readonly serverPort: number },
  watch: Watch,
): Promise<WatchedProxy> {
  const pem = readFileSync(join(place.tlsFolder, 'server.pem'))
  const proxy = createServer({ cert: pem, key: pem }, (incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy())
  })

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const content = await readAll(incoming)
    const passing = { keyid: keyidOf(incoming), name: nameOf(incoming) }
    if ((await watch('arrived', passing)) === 'cut') return cut(outgoing)
    const answer = await forward(incoming, outgoing, content, place.serverPort)
    if (answer.headers['content-type']?.startsWith('text/event-stream') === true) {
      if ((await watch('done', passing)) === 'cut') return cut(outgoing)
      outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
      outgoing.flushHeaders()
      answer.on('error', () => outgoing.destroy()).on('data', (chunk: Buffer) => outgoing.write(chunk))
      answer.on('end', () => outgoing.end())
      outgoing.on('close', () => answer.destroy())
    } else {
      const body = await readAll(answer)
      if ((await watch('done', passing)) === 'cut') return cut(outgoing)
      outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
      await new Promise<void>((resolve) => outgoing.once('close', resolve).end(body, resolve))
    }
    if ((await watch('answered', passing)) === 'cut') cut(outgoing)
  }

  await new Promise<void>((resolve, reject) => proxy.once('error', reject).listen(place.port, '127.0.0.1', resolve))
  return {
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        proxy.closeAllConnections()
      }),
  }
}

function cut(outgoing: ServerResponse): void {
  outgoing.socket?.destroy()
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  content: Buffer,
  port: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, url: path, rawHeaders: headers } = incoming
    // A connection of its own for each: a kept one of a server that is dead by now would tell nothing.
    const forwarded = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, resolve)
    forwarded.on('error', reject)
    outgoing.on('close', () => forwarded.destroy())
    forwarded.end(content)
  })
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function keyidOf({ headers }: IncomingMessage): string {
  return /;keyid="([\w-]{43})"/.exec(String(headers['signature-input'] ?? ''))?.[1] ?? ''
}

function nameOf({ method, url = '' }: IncomingMessage): string {
  const { pathname, searchParams } = new URL(url, 'https://localhost')
  const role = searchParams.get('role')
  const path = pathname
    .replace(/\b(dl|tr|nt)_[0-9a-z]{26}/g, '{$1}')
    .replace(/\/keys\/[\w-]{43}\/[0-9a-z]{26}/, '/keys/{key}')
    .replace(/[\w-]{43}/g, '{id}')
  return `${method} ${path}${role === null ? '' : `?role=${role}`}`
}
