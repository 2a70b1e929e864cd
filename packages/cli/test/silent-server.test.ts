import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenDevice } from '@keyferry/device'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { patient } from '../src/device/patient.ts'
import { operatorCall } from '../src/operator/call.ts'
import { aCall } from './run-here.ts'

describe('a server that says nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-silent-'))
  let server: Server
  beforeAll(async () => {
    server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(join(folder, 'admin.sock'), resolve))
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is not reachable for its operator', async () => {
    const asked = operatorCall(folder, { method: 'GET', path: '/users' }, 200)
    const failure = failureOf(await asked.catch((error: unknown) => error), 'not listed')
    expect(failure).toMatchObject({ code: 'unreachable', exit: 5 })
  })
})

describe('who waits for a server', () => {
  type Client = OpenDevice['client']
  const slow = (milliseconds: number): Client =>
    ({
      origin: 'https://keys.example',
      call: () => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    }) as unknown as Client
  const asked = { method: 'GET', path: '/v1/transfers' } as const

  it.each([
    ['is told so, once, on a terminal', true, 60, 1],
    ['is told nothing where the answer comes at once', true, 0, 0],
    ['is told nothing without a terminal', false, 60, 0],
  ])('%s', async (_, isTTY, milliseconds, times) => {
    const call = aCall('/nowhere')
    Object.assign(call.stderr, { isTTY })
    const client = patient(call, slow(milliseconds), 20)
    await client.call(asked)
    await client.call(asked)
    expect(call.stderr.text.split('waiting for keys.example')).toHaveLength(times + 1)
  })

  it('is told nothing while the server holds the answer back because it was asked to', async () => {
    const call = aCall('/nowhere')
    Object.assign(call.stderr, { isTTY: true })
    await patient(call, slow(60), 20).call({ ...asked, waitSeconds: 1 })
    expect(call.stderr.text).toBe('')
  })
})
