import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect, it } from 'vitest'
import { openServerTls } from '../src/tls/server-tls.ts'
import { anHttpWorld, readAll } from './http-world.ts'

it('speaks TLS with the certificate that it was given', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-tls-'))
  const now = Math.floor(Date.now() / 1000)
  const tls = await openServerTls({ by: 'own-ca' }, { folder, origin: 'https://localhost' }, now)
  if (tls === null || tls.caFile === null) throw new Error('no certificate')
  const world = await anHttpWorld({ tls })
  try {
    const ca = readFileSync(tls.caFile)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(
        { host: '127.0.0.1', servername: 'localhost', port: world.port, path: '/healthz', ca, agent: false },
        resolve,
      ).on('error', reject)
    })
    expect((response.socket as TLSSocket).getProtocol()).toBe('TLSv1.3')
    expect(JSON.parse((await readAll(response)).toString())).toEqual({ status: 'ok' })
  } finally {
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
