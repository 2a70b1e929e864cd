import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultDataFolder, openDataFolder } from './data-folder.ts'
import { readServeConfig, SETTING_TEXTS } from './serve-config.ts'

const MINIMAL = { dataFolder: '/srv/keyferry' }

describe('the configuration', () => {
  it('needs a data folder only, and serves this machine', () => {
    expect(readServeConfig(MINIMAL)).toEqual({
      dataFolder: '/srv/keyferry',
      origin: 'https://localhost:8443',
      listenHost: '127.0.0.1',
      listenPort: 8443,
      tls: { by: 'own-ca' },
      proofWindowSeconds: 900,
      policyFile: null,
      suites: ['HPKE-9', 'HPKE-7', 'ECDH-ES+A256KW', 'RSA-OAEP-256'],
      witnesses: [],
      checkpointSeconds: 1,
      logLevel: 'info',
      claimsPerMinute: 10,
      unsignedPerMinute: 600,
      limits: {
        bodyBytes: 65536,
        transferBytes: 262144,
        setBytes: 262144,
        headerBytes: 32768,
        envelopeBytes: 49152,
        targets: 1000,
      },
    })
  })

  it('derives the origin from the port unless it is given', () => {
    expect(readServeConfig({ ...MINIMAL, listenPort: 9000 }).origin).toBe('https://localhost:9000')
    expect(readServeConfig({ ...MINIMAL, listenPort: 443 }).origin).toBe('https://localhost')
    expect(readServeConfig({ ...MINIMAL, origin: 'https://keys.example' }).origin).toBe('https://keys.example')
  })

  it('keeps the other limits when one is set', () => {
    expect(readServeConfig({ ...MINIMAL, limits: { targets: 5 } }).limits).toMatchObject({
      targets: 5,
      bodyBytes: 65536,
    })
  })

  it('takes TLS from files or from a proxy', () => {
    expect(readServeConfig({ ...MINIMAL, tlsCert: 'c', tlsKey: 'k' }).tls).toEqual({ by: 'files', cert: 'c', key: 'k' })
    expect(readServeConfig({ ...MINIMAL, behindProxy: true }).tls).toEqual({ by: 'proxy' })
  })

  it.each([
    ['no data folder', {}],
    ['an unknown setting', { ...MINIMAL, orgin: 'https://keys.example' }],
    ['an origin with a slash', { ...MINIMAL, origin: 'https://keys.example/' }],
    ['an origin without TLS', { ...MINIMAL, origin: 'http://keys.example' }],
    ['a certificate without its key', { ...MINIMAL, tlsCert: 'c' }],
    ['a certificate beside a proxy', { ...MINIMAL, tlsCert: 'c', tlsKey: 'k', behindProxy: true }],
    ['a proof window of a week', { ...MINIMAL, proofWindowSeconds: 604_800 }],
    ['a witness without TLS', { ...MINIMAL, witnesses: [{ vkey: 'w', url: 'http://w.example' }] }],
  ])('refuses %s', (_, settings) => {
    expect(() => readServeConfig(settings)).toThrow(expect.objectContaining({ code: 'settings-invalid' }))
  })

  it('explains each setting', () => {
    expect([...SETTING_TEXTS].filter(([, text]) => text.length < 10)).toEqual([])
    expect(SETTING_TEXTS.get('tlsKey')).toMatch(/Who has it/)
  })
})

describe('the data folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyferry-server-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('can be entered by its owner only', () => {
    const data = openDataFolder(join(folder, 'new'))
    for (const path of [data.root, data.keys, data.tls]) expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('lies where the system keeps such things', () => {
    expect(defaultDataFolder({}, '/home/luis')).toBe('/home/luis/.local/share/keyferry/server')
    expect(defaultDataFolder({ XDG_DATA_HOME: '/data' }, '/home/luis')).toBe('/data/keyferry/server')
  })
})
