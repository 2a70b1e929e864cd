import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Thumbprint } from '../ids/ids.ts'
import type { Signer } from '../jose/signer.ts'
import { fromBase64url, toBase64, utf8 } from '../json/base64url.ts'
import {
  type CheckpointRules,
  checkCheckpoint,
  checkpointMark,
  checkpointText,
  logNameOf,
  readCheckpoint,
  signCheckpoint,
} from './checkpoint.ts'
import { cosignatureLine, verifyCosignature } from './cosignature.ts'
import { readNote, signatureLine, signNote, verifyNote } from './note.ts'
import { makeVkey, parseVkey, type Vkey, type VkeyUse } from './vkey.ts'

const NOW = 1_795_521_600
const DAY = 86_400

function aKey(name: string, use: VkeyUse): { vkey: Vkey; signer: Signer; key: KeyObject } {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string }
  const vkey = makeVkey(name, use, fromBase64url(x))
  const signer = {
    jwk: vkey.jwk,
    id: '' as Thumbprint,
    sign: async (octets: Uint8Array) => new Uint8Array(sign(null, octets, privateKey)),
  }
  return { vkey, signer, key: privateKey }
}
const log = aKey('keys.example/log', 'log')
const witnesses = [aKey('w1.example', 'witness'), aKey('w2.example', 'witness'), aKey('w3.example', 'witness')] as const
const HEAD = { size: 5120, root: new Uint8Array(32).fill(7) }
const RULES: CheckpointRules = {
  log: log.vkey,
  witnesses: witnesses.map(({ vkey }) => vkey),
  quorum: 0,
  last: null,
  now: NOW,
}

async function aCheckpoint(times: readonly (number | undefined)[] = [], head = HEAD): Promise<string> {
  let note = await signCheckpoint(head, log.vkey, log.signer)
  for (const [i, time] of times.entries()) {
    const witness = witnesses[i]
    if (time !== undefined && witness) {
      note += await cosignatureLine(readNote(note).text, witness.vkey, witness.signer, time)
    }
  }
  return note
}
it('is refused under the origin line of another log, though this log signed it', async () => {
  const note = await signNote(checkpointText('other.example/log', HEAD), log.vkey, log.signer)
  await expect(checkCheckpoint(note, RULES)).rejects.toThrow(withCode('checkpoint-invalid'))
})

function withCode(code: string): Error {
  return expect.objectContaining({ code })
}

describe('a vkey', () => {
  it('is the published one of the Go checksum database', () => {
    const text = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
    expect(parseVkey(text)).toMatchObject({ text, name: 'sum.golang.org', use: 'log' })
  })

  it('names its key by SHA-256(name || 0A || type || key)', () => {
    const key = new Uint8Array(32).fill(9)
    for (const [use, type] of [
      ['log', 1],
      ['witness', 4],
    ] as const) {
      const id = createHash('sha256')
        .update('a/b\n')
        .update(new Uint8Array([type]))
        .update(key)
        .digest('hex')
        .slice(0, 8)
      expect(makeVkey('a/b', use, key).text).toBe(`a/b+${id}+${toBase64(new Uint8Array([type, ...key]))}`)
      expect(parseVkey(makeVkey('a/b', use, key).text)).toEqual(makeVkey('a/b', use, key))
    }
  })

  it.each([
    ['nothing', ''],
    ['another id', 'sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['another name', 'sum.golang.com+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['upper-case digits', 'sum.golang.org+033DE0AE+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['another type', 'sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['space', 'sum golang+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
    ['a short key', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8O'],
    ['more', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8\n'],
  ])('is not one with %s', (_, text) => {
    expect(() => parseVkey(text)).toThrow(withCode('malformed'))
  })

  it('has a key that is not of small order, and of 32 octets', () => {
    const identity = new Uint8Array(32)
    identity[0] = 1
    for (const key of [identity, new Uint8Array(32), new Uint8Array(31).fill(9)]) {
      expect(() => makeVkey('a', 'log', key)).toThrow(withCode('malformed'))
    }
  })

  it('has a name without space, plus or control characters', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\nb', 'a\u2028', '\ud800']) {
      expect(() => makeVkey(name, 'log', new Uint8Array(32).fill(9))).toThrow(withCode('malformed'))
    }
  })
})

describe('a signed note', () => {
  it('is the published one of the Go documentation', async () => {
    const vkey = parseVkey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
    const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`
    expect(readNote(note).text).toBe(text)
    await expect(verifyNote(readNote(note), vkey)).resolves.toBe('good')
    await expect(verifyNote(readNote(note.replace('think', 'thank')), vkey)).resolves.toBe('wrong')
  })

  it('is read with other keys on it, which say nothing', async () => {
    const note = await aCheckpoint([NOW])
    const read = readNote(note)
    expect(read.signatures.map(({ name }) => name)).toEqual(['keys.example/log', 'w1.example'])
    await expect(verifyNote(read, log.vkey)).resolves.toBe('good')
    await expect(verifyNote(read, aKey('keys.example/log', 'log').vkey)).resolves.toBe('absent')
    await expect(verifyNote(read, aKey('other', 'log').vkey)).resolves.toBe('absent')
    // A witness key is no log key, nor the other way round.
    await expect(verifyNote(read, witnesses[0].vkey)).resolves.toBe('absent')
    await expect(verifyCosignature(read, log.vkey)).resolves.toBe('absent')
  })

  it('is wrong if one of two signatures by a key is', async () => {
    const note = await signNote('text\n', log.vkey, log.signer)
    await expect(verifyNote(readNote(note + signatureLine(log.vkey, new Uint8Array(64))), log.vkey)).resolves.toBe(
      'wrong',
    )
  })

  it('may have empty lines in its text', async () => {
    const text = 'a\n\nb\n'
    expect(readNote(await signNote(text, log.vkey, log.signer)).text).toBe(text)
  })

  it.each([
    ['no line end in the text', 'text'],
    ['a tab', 'te\txt\n'],
    ['a carriage return', 'text\r\n'],
    ['a lone surrogate', '\ud800\n'],
  ])('is not made of a text with %s', async (_, text) => {
    await expect(signNote(text, log.vkey, log.signer)).rejects.toThrow(withCode('malformed'))
  })

  it.each([
    ['no signature', 'text\n\n'],
    ['no blank line', 'text\n— a AAAAAAA=\n'],
    ['no last line end', 'text\n\n— a AAAAAAA='],
    ['a hyphen', 'text\n\n- a AAAAAAA=\n'],
    ['two spaces', 'text\n\n— a  AAAAAAA=\n'],
    ['a plus', 'text\n\n— a+b AAAAAAA=\n'],
    ['a space in the name', 'text\n\n— a\u00a0b AAAAAAA=\n'],
    ['no padding', 'text\n\n— a AAAAAAA\n'],
    ['a key id only', 'text\n\n— a AAAAAA==\n'],
    ['too many signatures', `text\n\n${'— a AAAAAAA=\n'.repeat(101)}`],
  ])('is not one with %s', (_, note) => {
    expect(() => readNote(note)).toThrow(withCode('malformed'))
  })

  it('is refused or wrong with any character changed', async () => {
    const note = await aCheckpoint([NOW])
    await fc.assert(
      fc.asyncProperty(fc.nat(note.length - 1), fc.constantFrom(...'aB0+/= \n—'), async (at, character) => {
        fc.pre(note[at] !== character)
        const changed = note.slice(0, at) + character + note.slice(at + 1)
        const outcome = checkCheckpoint(changed, { ...RULES, quorum: 1 })
        await expect(outcome).rejects.toThrow(expect.objectContaining({ code: expect.stringMatching(/^checkpoint-/) }))
      }),
      { numRuns: 300 },
    )
  })
})

describe('a cosignature', () => {
  it('is of its time over "cosignature/v1"', async () => {
    const witness = witnesses[0]
    const note = await aCheckpoint([NOW])
    await expect(verifyCosignature(readNote(note), witness.vkey)).resolves.toBe(NOW)
    const octets = sign(null, Buffer.from(`cosignature/v1\ntime ${NOW}\n${readNote(note).text}`), witness.key)
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(NOW))
    expect(note.endsWith(signatureLine(witness.vkey, new Uint8Array(Buffer.concat([time, octets]))))).toBe(true)
  })

  it('counts the latest of a witness, and is wrong if one is', async () => {
    const [{ vkey, signer }] = witnesses
    const note = await aCheckpoint([NOW])
    const { text } = readNote(note)
    const later = await cosignatureLine(text, vkey, signer, NOW + 5)
    await expect(verifyCosignature(readNote(note + later), vkey)).resolves.toBe(NOW + 5)
    for (const octets of [new Uint8Array(72), new Uint8Array(71), new Uint8Array(72).fill(255)]) {
      await expect(verifyCosignature(readNote(note + signatureLine(vkey, octets)), vkey)).resolves.toBe('wrong')
    }
  })
})

describe('a checkpoint', () => {
  it('names its log by the origin', () => {
    expect(logNameOf('https://keys.example')).toBe('keys.example/log')
    expect(logNameOf('https://keys.example:8443')).toBe('keys.example:8443/log')
  })

  it('is origin line, size and root', async () => {
    const checkpoint = readCheckpoint(await aCheckpoint())
    expect(checkpoint.note.text).toBe(`keys.example/log\n5120\n${toBase64(HEAD.root)}\n`)
    expect(checkpoint).toMatchObject({ logName: 'keys.example/log', ...HEAD })
    expect(checkpointMark(checkpoint)).toEqual({ size: 5120, root: 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc' })
  })

  it('may have lines more', async () => {
    const root = toBase64(HEAD.root)
    const note = await signNote(`keys.example/log\n0\n${root}\nmore\n`, log.vkey, log.signer)
    await expect(checkCheckpoint(note, RULES)).resolves.toMatchObject({ size: 0 })
  })

  it.each([
    ['a leading zero', 'l\n05\nROOT\n'],
    ['a size beyond 2^53', 'l\n9007199254740992\nROOT\n'],
    ['no size', 'l\n\nROOT\n'],
    ['a short root', 'l\n5\nAAAA\n'],
    ['trailing bits', `l\n5\n${'A'.repeat(42)}B=\n`],
    ['two lines', 'l\n5\n'],
    ['an empty line', 'l\n5\nROOT\n\nx\n'],
  ])('is not one with %s', async (_, text) => {
    const note = await signNote(text.replace('ROOT', toBase64(HEAD.root)), log.vkey, log.signer)
    expect(() => readCheckpoint(note)).toThrow(withCode('checkpoint-invalid'))
  })

  it('is accepted from its log, with a quorum in time', async () => {
    await expect(checkCheckpoint(await aCheckpoint(), RULES)).resolves.toMatchObject({ size: 5120, now: NOW })
    const two = await aCheckpoint([NOW - DAY, undefined, NOW - 10])
    await expect(checkCheckpoint(two, { ...RULES, quorum: 2 })).resolves.toMatchObject({ now: NOW })
  })

  it('is invalid from another log or with a wrong cosignature, whatever the quorum', async () => {
    const other = aKey('other.example/log', 'log')
    const imposter = aKey('keys.example/log', 'log')
    const notes = [
      await signCheckpoint(HEAD, other.vkey, other.signer),
      await signCheckpoint(HEAD, imposter.vkey, imposter.signer),
      (await aCheckpoint([NOW])) + signatureLine(witnesses[1].vkey, new Uint8Array(72)),
    ]
    for (const note of notes) await expect(checkCheckpoint(note, RULES)).rejects.toThrow(withCode('checkpoint-invalid'))
  })

  it('is stale with too few witnesses, or too old ones, or smaller than the last', async () => {
    const stale = withCode('checkpoint-stale')
    await expect(checkCheckpoint(await aCheckpoint([NOW]), { ...RULES, quorum: 2 })).rejects.toThrow(stale)
    const old = await aCheckpoint([NOW, NOW - DAY - 1])
    await expect(checkCheckpoint(old, { ...RULES, quorum: 2 })).rejects.toThrow(stale)
    await expect(checkCheckpoint(old, { ...RULES, quorum: 2, maxAgeSeconds: 2 * DAY })).resolves.toBeDefined()
    const last = { size: 5121, root: HEAD.root }
    await expect(checkCheckpoint(await aCheckpoint(), { ...RULES, last })).rejects.toThrow(stale)
    await expect(checkCheckpoint(await aCheckpoint(), { ...RULES, last: HEAD })).resolves.toBeDefined()
  })

  it('takes the time forward to that of its witnesses', async () => {
    const note = await aCheckpoint([NOW + 2 * DAY, NOW])
    await expect(checkCheckpoint(note, { ...RULES, quorum: 1 })).resolves.toMatchObject({ now: NOW + 2 * DAY })
    await expect(checkCheckpoint(note, { ...RULES, quorum: 2 })).rejects.toThrow(withCode('checkpoint-stale'))
  })

  it('rests a clock on as many witnesses as the quorum, never on its own', async () => {
    const far = await aCheckpoint([NOW + 2000 * DAY, NOW - 10])
    await expect(checkCheckpoint(far, { ...RULES, maxAgeSeconds: 9999 * DAY, quorum: 2 })).resolves.toMatchObject({
      witnessedAt: NOW - 10,
    })
    await expect(checkCheckpoint(await aCheckpoint([NOW - 10]), RULES)).resolves.toMatchObject({
      witnessedAt: NOW - 10,
    })
    await expect(checkCheckpoint(await aCheckpoint(), RULES)).resolves.toMatchObject({ witnessedAt: 0 })
  })

  it('counts one key once, under however many names', async () => {
    const [{ vkey, signer }] = witnesses
    const twin = makeVkey('twin.example', 'witness', fromBase64url((vkey.jwk as { x: string }).x))
    const note = await aCheckpoint([NOW])
    const both = note + (await cosignatureLine(readNote(note).text, twin, signer, NOW))
    const rules = { ...RULES, witnesses: [vkey, twin], quorum: 2 }
    await expect(checkCheckpoint(both, rules)).rejects.toThrow(withCode('checkpoint-stale'))
  })

  it('is not read from octets that are no text', () => {
    expect(() => readCheckpoint('')).toThrow(withCode('checkpoint-invalid'))
    expect(utf8('—')).toHaveLength(3)
  })
})
