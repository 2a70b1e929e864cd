import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeTransport, type OpenDevice } from '@keyferry/device'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { examine } from '../src/doctor/examine.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { runHere } from './run-here.ts'

describe('the CA that a device keeps for its server', () => {
  let deployment: Deployment
  let laptop: TestDevice
  beforeAll(async () => {
    deployment = await aDeployment()
    laptop = await deployment.enrol('marta')
  })
  afterAll(() => deployment.close())

  it.each(['transfer list', 'doctor'])('is said to be broken when it is, by %s', async (typed) => {
    const { folder } = laptop.open
    writeFileSync(join(folder, 'tls-ca.pem'), 'garbage', { mode: 0o600 })
    const { exit, stderr } = await runHere(folder, ...typed.split(' '))
    expect(stderr).toContain('tls-ca.pem in the folder of this device is no certificate (tls-ca-damaged)')
    expect(stderr).toContain(`hint: put a copy of the server’s tls/ca.pem there: ${join(folder, 'tls-ca.pem')}`)
    expect(exit).toBe(1)
  })
})

describe('a server whose CA is not the one that is kept', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-ca-'))
  let server: Server
  let ca: string
  beforeAll(async () => {
    ca = selfSigned('kept').cert
    server = createServer(selfSigned('served'), (_, answer) => answer.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function selfSigned(name: string): { key: string; cert: string } {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const made = spawnSync('openssl', [...request, '-subj', '/CN=localhost', '-keyout', key, '-out', cert])
    if (made.status !== 0) throw new Error(String(made.stderr))
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  }

  it('is not looked for at another address: the hint is about the CA', async () => {
    const transport = nodeTransport({ ca })
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    const times = { timeoutMilliseconds: 5000, deadlineMilliseconds: 5000 }
    const asked = transport.send({ method: 'GET', url, headers: {}, content: null, ...times })
    const failure = failureOf(await asked.catch((error: unknown) => error), 'not shown')
    transport.close()
    expect(failure).toMatchObject({ code: 'unreachable', exit: 5, why: expect.stringContaining('unknown CA') })
    expect(failure.hint).toContain('tls-ca.pem')
    const finding = await (async () => {
      const cause = await asked.catch((error: unknown) => error)
      const call = (): never => {
        throw cause
      }
      for await (const one of examine({ client: { origin: url, call } } as unknown as OpenDevice)) return one
    })()
    expect(finding).toMatchObject({ what: 'server', state: 'bad', hint: failure.hint })
  })
})
