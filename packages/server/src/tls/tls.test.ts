import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../ports.ts'
import { openLocalCa } from './local-ca.ts'
import { nameConstraints, serverNames } from './names.ts'
import { openServerCertificate } from './server-certificate.ts'
import { openServerTls, type ServerTls } from './server-tls.ts'

const NOW = systemClock.now()
const DAY = 86_400
const OWN = { by: 'own-ca' } as const
const ORIGIN = 'https://localhost:8443'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-server-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function own(now = NOW, origin = ORIGIN): Promise<ServerTls> {
  const tls = await openServerTls(OWN, { folder, origin }, now)
  if (tls === null) throw new Error('there is TLS')
  return tls
}

/** Resolves to 'hello' or to what stopped the handshake: a code, or words where Node has no code. */
async function greet(server: Pick<ServerTls, 'cert' | 'key'>, client: ConnectionOptions): Promise<string> {
  const listener = createServer({ cert: server.cert, key: server.key }, (socket) => {
    socket.on('error', () => {})
    socket.end('hello')
  })
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done))
  try {
    return await new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: (listener.address() as AddressInfo).port,
        timeout: 5000,
        ...client,
      })
      let text = ''
      socket.on('data', (octets) => {
        text += octets
      })
      socket.on('end', () => resolve(text))
      socket.on('timeout', () => socket.destroy(new Error('timeout')))
      socket.on('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code === undefined || error.code === 'UNSPECIFIED' ? error.message : error.code)
      })
    })
  } finally {
    listener.close()
  }
}

describe('a server that is its own CA', () => {
  it('is trusted by who trusts ca.pem, under each of its names, and by nobody else', async () => {
    const tls = await own(NOW, 'https://keys.example')
    const ca = readFileSync(tls.caFile ?? '')
    for (const servername of ['localhost', 'keys.example']) expect(await greet(tls, { ca, servername })).toBe('hello')
    expect(await greet(tls, { ca })).toBe('hello')
    expect(await greet(tls, { ca, servername: 'other.example' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await greet(tls, { servername: 'localhost' })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('keeps everything for its owner, and the same after a restart', async () => {
    const first = await own()
    expect(readdirSync(folder).sort()).toEqual(['ca-key.p8', 'ca.pem', 'server.pem'])
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    const again = await own(NOW + DAY)
    expect(again.cert).toEqual(first.cert)
    expect(again.renewAt).toBe(first.renewAt)
  })

  it('renews its certificate 30 days before the end, under the same CA', async () => {
    const first = await own(NOW - 61 * DAY)
    const ca = readFileSync(first.caFile ?? '')
    expect(first.renewAt).toBeLessThan(NOW)
    const second = await own()
    expect(second.cert).not.toEqual(first.cert)
    expect(second.renewAt).toBe(NOW + 60 * DAY)
    expect(readFileSync(second.caFile ?? '')).toEqual(ca)
    expect(await greet(second, { ca, servername: 'localhost' })).toBe('hello')
  })

  it('makes a new certificate when the old one is damaged', async () => {
    await own()
    writeFileSync(join(folder, 'server.pem'), 'x')
    const tls = await own()
    expect(await greet(tls, { ca: readFileSync(tls.caFile ?? ''), servername: 'localhost' })).toBe('hello')
  })

  it('cannot speak for others, even with the key of its CA', async () => {
    const names = serverNames(ORIGIN)
    const ca = await openLocalCa(folder, names, NOW, DAY)
    const others = { dns: ['localhost', 'bank.example'], ip: [] }
    const forged = await openServerCertificate(folder, ca, others, NOW)
    expect(await greet(forged, { ca: readFileSync(ca.caFile), servername: 'bank.example' })).toBe(
      'permitted subtree violation',
    )
  })

  it('does not replace a CA that people trust, when its name changes or its end is near', async () => {
    await own()
    await expect(own(NOW, 'https://keys.example')).rejects.toMatchObject({ code: 'tls-ca-unusable' })
    await expect(own(NOW + 3640 * DAY)).rejects.toMatchObject({ code: 'tls-ca-unusable' })
    rmSync(join(folder, 'ca-key.p8'))
    await expect(own()).rejects.toMatchObject({ code: 'tls-ca-unusable' })
  })
})

describe('names', () => {
  it('are this machine and the host of the origin', () => {
    expect(serverNames('https://localhost:8443')).toEqual({ dns: ['localhost'], ip: ['127.0.0.1', '::1'] })
    expect(serverNames('https://10.0.0.7')).toEqual({ dns: ['localhost'], ip: ['127.0.0.1', '::1', '10.0.0.7'] })
    expect(serverNames('https://[2001:db8::7]:1')).toMatchObject({ ip: ['127.0.0.1', '::1', '2001:db8::7'] })
  })

  it('become the DER of RFC 5280', () => {
    const hex = Buffer.from(nameConstraints({ dns: ['a.b'], ip: ['10.0.0.7', '2001:db8::7'] })).toString('hex')
    expect(hex).toBe(
      `3039a0373005820 3612e62300a87080a000007ffffffff30228720${'20010db8000000000000000000000007'}${'f'.repeat(32)}`.replace(
        ' ',
        '',
      ),
    )
  })
})

describe('a server with files', () => {
  it('uses them as they are, if they belong together', async () => {
    const { cert } = await own()
    const paths = { cert: join(folder, 'c.pem'), key: join(folder, 'k.pem') }
    writeFileSync(paths.cert, cert)
    writeFileSync(paths.key, cert)
    expect(await openServerTls({ by: 'files', ...paths }, { folder, origin: ORIGIN }, NOW)).toMatchObject({
      cert,
      caFile: null,
      renewAt: null,
    })
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    writeFileSync(paths.key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await expect(openServerTls({ by: 'files', ...paths }, { folder, origin: ORIGIN }, NOW)).rejects.toMatchObject({
      code: 'tls-files-unusable',
    })
  })

  it('has none behind a proxy', async () => {
    expect(await openServerTls({ by: 'proxy' }, { folder, origin: ORIGIN }, NOW)).toBeNull()
  })
})
