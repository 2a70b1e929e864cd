import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { armourLabel, readArmour, writeArmour } from './armour.ts'
import { readOpenSsh, writeOpenSsh } from './openssh.ts'
import { writePkcs8 } from './private-key.ts'
import { sshFingerprint, sshPublicKey, sshPublicLine } from './ssh-public.ts'

const SSH_KEYGEN = '/usr/bin/ssh-keygen'
const KINDS = [
  ['ed25519', '256', 'ED25519'],
  ['ecdsa', '256', 'ECDSA'],
  ['ecdsa', '384', 'ECDSA'],
  ['ecdsa', '521', 'ECDSA'],
  ['rsa', '2048', 'RSA'],
  ['rsa', '3072', 'RSA'],
] as const

function publicHalf(key: KeyObject): NonNullable<ReturnType<typeof sshPublicKey>> {
  const half = sshPublicKey(key)
  if (half === null) throw new Error('SSH knows this kind')
  return half
}

describe.skipIf(!existsSync(SSH_KEYGEN))('OpenSSH keys, with ssh-keygen (Debian: openssh-client)', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyferry-openssh-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  function sshKeygen(...args: string[]): string {
    return execFileSync(SSH_KEYGEN, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
  }

  it.each(KINDS)('reads %s %s as made there, and shows its line and fingerprint', (kind, bits, shown) => {
    const path = join(folder, `made-${kind}-${bits}`)
    sshKeygen('-q', '-t', kind, '-b', bits, '-N', '', '-C', 'marta@laptop', '-f', path)
    const { key, comment } = readOpenSsh(readFileSync(path))
    const half = publicHalf(key)
    expect(comment).toBe('marta@laptop')
    expect(`${sshPublicLine(half, comment)}\n`).toBe(readFileSync(`${path}.pub`, 'utf8'))
    expect(`${half.bits} ${sshFingerprint(half)} ${comment} (${shown})\n`).toBe(sshKeygen('-l', '-f', path))
  })

  it.each(KINDS)('writes %s %s so that it is the same key there', (kind, bits) => {
    const path = join(folder, `first-${kind}-${bits}`)
    sshKeygen('-q', '-t', kind, '-b', bits, '-N', '', '-C', 'one', '-f', path)
    const again = writeOpenSsh(writePkcs8(readOpenSsh(readFileSync(path)).key), 'two words')
    const copy = join(folder, `second-${kind}-${bits}`)
    writeFileSync(copy, again ?? '', { mode: 0o600 })
    expect(sshKeygen('-y', '-f', copy).split(' ').slice(0, 2)).toEqual(
      sshKeygen('-y', '-f', path).split(' ').slice(0, 2),
    )
    expect(sshKeygen('-l', '-f', copy)).toContain('two words')
    // ssh-keygen signs with the private half, which -y does not touch.
    writeFileSync(join(folder, 'text'), 'text')
    sshKeygen('-Y', 'sign', '-q', '-n', 'test', '-f', copy, join(folder, 'text'))
    writeFileSync(join(folder, 'signers'), `marta ${sshKeygen('-y', '-f', path)}`)
    const verified = execFileSync(
      SSH_KEYGEN,
      ['-Y', 'verify', '-f', join(folder, 'signers'), '-I', 'marta', '-n', 'test', '-s', join(folder, 'text.sig')],
      { input: 'text', encoding: 'utf8' },
    )
    rmSync(join(folder, 'text.sig'))
    expect(verified).toContain('Good "test" signature')
  })

  it.each(['aes256-ctr', 'aes128-cbc'])('opens what is encrypted with %s, with its passphrase only', (cipher) => {
    const path = join(folder, `encrypted-${cipher}`)
    sshKeygen('-q', '-t', 'ed25519', '-Z', cipher, '-N', 'correct horse', '-C', 'marta@laptop', '-f', path)
    const file = readFileSync(path)
    const { key, comment } = readOpenSsh(file, new TextEncoder().encode('correct horse'))
    expect(`${sshPublicLine(publicHalf(key), comment)}\n`).toBe(readFileSync(`${path}.pub`, 'utf8'))
    expect(() => readOpenSsh(file)).toThrow(expect.objectContaining({ code: 'key-encrypted' }))
    const wrong = (): unknown => readOpenSsh(file, new TextEncoder().encode('wrong'))
    expect(wrong).toThrow(expect.objectContaining({ code: 'passphrase-wrong' }))
  })

  it('says what to do about a cipher that it does not know', () => {
    const path = join(folder, 'chacha')
    const cipher = 'chacha20-poly1305@openssh.com'
    sshKeygen('-q', '-t', 'ed25519', '-Z', cipher, '-N', 'correct horse', '-f', path)
    expect(() => readOpenSsh(readFileSync(path), new TextEncoder().encode('correct horse'))).toThrow(
      expect.objectContaining({ code: 'key-encrypted', hint: expect.stringContaining('aes256-ctr') }),
    )
  })
})

describe('OpenSSH keys', () => {
  const key = generateKeyPairSync('ed25519').privateKey
  const file = writeOpenSsh(writePkcs8(key), 'c') ?? new Uint8Array()
  const octets = readArmour(file, 'OPENSSH PRIVATE KEY') ?? new Uint8Array()

  it('come back as they were', () => {
    const back = readOpenSsh(file)
    expect(back.comment).toBe('c')
    expect(back.key.equals(key)).toBe(true)
  })

  it('are refused with any octet changed but the comment', () => {
    const comment = octets.length - sizeOfTail(octets)
    for (let at = 0; at < octets.length; at++) {
      if (at === comment) continue
      const changed = octets.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      const attempt = (): unknown => readOpenSsh(writeArmour(changed, 'OPENSSH PRIVATE KEY', 70))
      expect(attempt, `octet ${at}`).toThrow(expect.objectContaining({ name: 'DeviceError' }))
    }
  })

  it('are refused when cut short or followed by something', () => {
    for (const wrong of [octets.subarray(0, -1), octets.subarray(0, 40), new Uint8Array([...octets, 0])]) {
      expect(() => readOpenSsh(writeArmour(wrong, 'OPENSSH PRIVATE KEY', 70))).toThrow(
        expect.objectContaining({ code: 'key-format-unknown' }),
      )
    }
    expect(() => readOpenSsh(new Uint8Array([...file, 0x41]))).toThrow(
      expect.objectContaining({ code: 'key-format-unknown' }),
    )
  })

  it('of kinds that SSH does not know are not written', () => {
    expect(writeOpenSsh(writePkcs8(generateKeyPairSync('x25519').privateKey), '')).toBeNull()
    expect(writeOpenSsh(writePkcs8(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey), '')).toBeNull()
  })

  it('keep their check when RSA numbers do not belong together', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const good = writeOpenSsh(writePkcs8(rsa), '') ?? new Uint8Array()
    expect(readOpenSsh(good).key.equals(rsa)).toBe(true)
    const inside = readArmour(good, 'OPENSSH PRIVATE KEY') ?? new Uint8Array()
    inside[inside.length - 40] = (inside[inside.length - 40] ?? 0) ^ 2
    expect(() => readOpenSsh(writeArmour(inside, 'OPENSSH PRIVATE KEY', 70))).toThrow(
      expect.objectContaining({ code: 'key-format-unknown' }),
    )
  })
})

describe('armour', () => {
  it('holds octets of any length', () => {
    for (let length = 1; length < 200; length++) {
      const octets = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255)
      const file = writeArmour(octets, 'A KEY', 64)
      expect(armourLabel(file)).toBe('A KEY')
      expect(readArmour(file, 'A KEY')).toEqual(octets)
      expect(new TextDecoder().decode(file).split('\n').slice(1, -2).join('')).toBe(
        Buffer.from(octets).toString('base64'),
      )
    }
  })

  it.each(['AAA', 'A=AA', 'AAAA=', '====', 'AA*A', ''])('refuses %s', (text) => {
    const file = new TextEncoder().encode(`-----BEGIN X-----\n${text}\n-----END X-----\n`)
    expect(readArmour(file, 'X')).toBeNull()
  })
})

/** Octets of the comment's letter and padding: 1, and what fills the block. */
function sizeOfTail(octets: Uint8Array): number {
  return 1 + (octets.at(-1) ?? 0)
}
