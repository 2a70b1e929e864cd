import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeTransport } from './node-transport.ts'
import { UnreachableError } from './transport.ts'

let server: Server | null = null
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = null
})

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener)
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`
}

function ask(url: string): Parameters<ReturnType<typeof nodeTransport>['send']>[0] {
  return { method: 'GET', url, headers: {}, content: null, timeoutMilliseconds: 5000, deadlineMilliseconds: 5000 }
}

describe('a server that dies', () => {
  it('in the middle of an answer is one that cannot be reached', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'content-length': '10' }).write('half', () => answer.destroy())
    })
    await expect(nodeTransport().send(ask(url))).rejects.toThrow(UnreachableError)
  })

  it('while a stream is open is one that cannot be reached, after what it had said', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200).write('event', () => setTimeout(() => answer.destroy(), 20))
    })
    const { chunks } = await nodeTransport().open(ask(url))
    const said: string[] = []
    const reading = (async () => {
      for await (const chunk of chunks) said.push(Buffer.from(chunk).toString())
    })()
    await expect(reading).rejects.toThrow(UnreachableError)
    expect(said).toEqual(['event'])
  })

  it('before it answers is one that cannot be reached', async () => {
    const url = await serve((request) => request.socket.destroy())
    await expect(nodeTransport().send(ask(url))).rejects.toThrow(UnreachableError)
  })
})

describe('a server that speaks slowly', () => {
  it('has until the deadline for an answer', async () => {
    const url = await serve((_, answer) => drip(answer.writeHead(200, { 'content-length': '100000' })))
    const asked = nodeTransport().send({ ...ask(url), timeoutMilliseconds: 200, deadlineMilliseconds: 300 })
    await expect(asked).rejects.toThrow(new UnreachableError('no answer in time'))
  })

  it('may go on with a stream for ever once it has begun, if it is not silent too long', async () => {
    const times = { timeoutMilliseconds: 200, deadlineMilliseconds: 300 }
    const url = await serve((_, answer) => drip(answer.writeHead(200), 12))
    const { chunks } = await nodeTransport().open({ ...ask(url), ...times })
    let said = ''
    const reading = (async () => {
      for await (const chunk of chunks) said += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow(UnreachableError)
    expect(said).toBe('.'.repeat(12))
  })
})

/** An octet every 50 ms, then silence. */
function drip(answer: ServerResponse, octets = Number.POSITIVE_INFINITY): void {
  let said = 0
  const timer = setInterval(() => (said++ < octets ? answer.write('.') : clearInterval(timer)), 50)
  answer.on('close', () => clearInterval(timer))
}

it('ends a stream quietly when the server ends it', async () => {
  const url = await serve((_, answer) => answer.writeHead(200).end('event'))
  const { chunks } = await nodeTransport().open(ask(url))
  const said: string[] = []
  for await (const chunk of chunks) said.push(Buffer.from(chunk).toString())
  expect(said).toEqual(['event'])
})
