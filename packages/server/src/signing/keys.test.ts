import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { joinCompact, readJws, type Signer, signJws, splitCompact, verifyJws } from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addServerKey, openLogKey, openServerKeys, replaceLogKey } from './key-files.ts'
import { keyRing, ROLL_OVER_SECONDS } from './key-ring.ts'
import { nodeSigner } from './node-signer.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-server-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function signs(signer: Signer): Promise<boolean> {
  const text = joinCompact(await signJws(signer, 'kf-notice+jws', new Uint8Array([123, 125])))
  const jws = readJws(splitCompact(text, 'malformed'), 'kf-notice+jws', 'malformed')
  return jws.kid === signer.id && (await verifyJws(jws, signer.jwk))
}

describe('a signer', () => {
  it('makes signatures that the protocol verifies, with either kind of key', async () => {
    const es256 = nodeSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    const ed25519 = nodeSigner(generateKeyPairSync('ed25519').privateKey)
    expect([es256.jwk.alg, ed25519.jwk.alg]).toEqual(['ES256', 'Ed25519'])
    expect([await signs(es256), await signs(ed25519)]).toEqual([true, true])
    expect(await es256.sign(new Uint8Array(1))).toHaveLength(64)
  })

  it('refuses other curves', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    expect(() => nodeSigner(privateKey)).toThrow(expect.objectContaining({ code: 'public-key-invalid' }))
  })
})

describe('the key files', () => {
  it('are made once, for their owner only, and read again', () => {
    const [first] = openServerKeys(folder, NOW)
    const log = openLogKey(folder)
    expect(readdirSync(folder).sort()).toEqual(['log.p8', `server-${NOW}.p8`])
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(openServerKeys(folder, NOW + 99)).toMatchObject([{ activeAt: NOW, signer: { jwk: first?.signer.jwk } }])
    expect(openLogKey(folder).jwk).toEqual(log.jwk)
  })

  it('hold another log key once it was replaced, and the old one nowhere', () => {
    const before = openLogKey(folder)
    const replaced = replaceLogKey(folder)
    expect(replaced.jwk).not.toEqual(before.jwk)
    expect(openLogKey(folder).jwk).toEqual(replaced.jwk)
    expect(readdirSync(folder)).toEqual(['log.p8'])
  })

  it('are refused when damaged, swapped or open to others', () => {
    openServerKeys(folder, NOW)
    const path = join(folder, 'log.p8')
    writeFileSync(path, 'x', { mode: 0o600 })
    expect(() => openLogKey(folder)).toThrow(expect.objectContaining({ code: 'key-file-damaged' }))
    writeFileSync(
      path,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' }),
    )
    expect(() => openLogKey(folder)).toThrow(expect.objectContaining({ code: 'key-file-damaged' }))
    chmodSync(join(folder, `server-${NOW}.p8`), 0o640)
    expect(() => openServerKeys(folder, NOW)).toThrow(expect.objectContaining({ code: 'permissions-too-open' }))
  })
})

describe('a roll-over', () => {
  it('lists old and new for 90 days while the old one signs, then only the new one', () => {
    const [old] = openServerKeys(folder, NOW)
    const next = addServerKey(folder, NOW + 100 + ROLL_OVER_SECONDS)
    const ring = keyRing(openServerKeys(folder, NOW))
    expect(ring.signerAt(NOW + 100 + ROLL_OVER_SECONDS - 1).jwk).toEqual(old?.signer.jwk)
    expect(ring.listedAt(NOW + 100)).toEqual([old?.signer.jwk, next.signer.jwk])
    expect(ring.signerAt(next.activeAt).jwk).toEqual(next.signer.jwk)
    expect(ring.listedAt(next.activeAt)).toEqual([next.signer.jwk])
  })

  it('goes on with the oldest key when the clock is before all of them', () => {
    const ring = keyRing(openServerKeys(folder, NOW))
    expect(ring.listedAt(NOW - 5)).toEqual([ring.signerAt(NOW - 5).jwk])
    expect(() => keyRing([]).signerAt(NOW)).toThrow(expect.objectContaining({ code: 'unavailable' }))
  })
})
