import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { operatorAddress } from '../src/http/operator-socket.ts'
import { anHttpWorld, call, type HttpWorld, readAll } from './http-world.ts'

let world: HttpWorld
let folder: string
let path: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-operator-'))
  path = join(folder, 'admin.sock')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeEach(async () => {
  world = await anHttpWorld()
})
afterEach(() => world.close())

async function ask(method: string, address: string, body?: object): Promise<{ status: number; json: unknown }> {
  const content = body === undefined ? undefined : JSON.stringify(body)
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const headers = content === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request({ socketPath: path, method, path: address, headers, agent: false }, resolve)
    sent.on('error', reject)
    sent.end(content)
  })
  return { status: response.statusCode ?? 0, json: JSON.parse((await readAll(response)).toString()) }
}

describe('the administration socket', () => {
  it('is for the owner of the data folder only, and needs no signature', async () => {
    await world.app.listenForOperator(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const offer = await ask('POST', '/v1/enrolments', { username: 'marta' })
    expect([offer.status, Object.keys(offer.json as object)]).toEqual([201, ['id', 'code', 'expiresAt']])
    expect((await ask('GET', '/v1/users?limit=5')).json).toMatchObject({ items: [{ username: 'luis' }] })
  })

  it('checks all the rest', async () => {
    await world.app.listenForOperator(path)
    expect((await ask('POST', '/v1/enrolments', { name: 'marta' })).json).toMatchObject({ code: 'malformed' })
    expect((await ask('GET', '/v1/nothing')).json).toMatchObject({ code: 'not-found' })
    expect((await ask('POST', '/v1/inbox/poll', {})).json).toMatchObject({ code: 'access-denied' })
  })

  it('makes nobody an operator who comes through the network', async () => {
    await world.app.listenForOperator(path)
    const answer = await call(world, { signer: null, path: '/v1/users?limit=5' })
    expect(answer.json.code).toBe('signature-missing')
    expect((await call(world, { signer: world.phone.signer, path: '/v1/users?limit=5' })).json.code).toBe('not-found')
  })

  it('takes the place of a socket that a killed server left behind, not of one that answers', async () => {
    const leave = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', leave])
    expect(statSync(path).isSocket()).toBe(true)
    await world.app.listenForOperator(path)
    const other = await anHttpWorld()
    try {
      await expect(other.app.listenForOperator(path)).rejects.toMatchObject({ code: 'EADDRINUSE' })
      expect((await ask('GET', '/v1/nothing')).status).toBe(404)
    } finally {
      await other.close()
    }
  })

  it('is a named pipe on Windows, one per data folder', () => {
    const pipe = operatorAddress('C:\\a\\admin.sock', 'win32')
    expect(pipe).toMatch(/^\\\\\.\\pipe\\keyferry-[0-9a-f]{32}$/)
    expect(operatorAddress('C:\\b\\admin.sock', 'win32')).not.toBe(pipe)
  })
})
