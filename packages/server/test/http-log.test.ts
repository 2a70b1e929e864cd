import { generateKeyPairSync } from 'node:crypto'
import {
  checkConsistency,
  fromUtf8,
  leafHash,
  parseVkey,
  readCheckpoint,
  signCheckpoint,
  utf8,
} from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeSigner } from '../src/signing/node-signer.ts'
import { type Answer, anHttpWorld, call, type HttpWorld, LOG } from './http-world.ts'

let world: HttpWorld
beforeEach(async () => {
  world = await anHttpWorld()
})
afterEach(() => world.close())

const open = (path: string): Promise<Answer> => call(world, { signer: null, path, unsignedAnswer: true })
const report = (note: string): Promise<Answer> =>
  call(world, { signer: world.phone.access, path: '/v1/log/reports', body: note, type: 'text/plain' })

describe('the log over HTTP', () => {
  it('shows a checkpoint and hash tiles to everybody, unsigned', async () => {
    const checkpoint = await open('/log/checkpoint')
    const { size } = readCheckpoint(checkpoint.octets.toString())
    expect(size).toBe(world.context.log.size)
    expect(checkpoint.headers.signature).toBeUndefined()
    const tile = await open(`/log/tile/0/000.p/${size}`)
    expect([tile.headers['content-type'], tile.octets.length]).toEqual(['application/octet-stream', 32 * size])
    const first = await world.context.read.leaves(0, 1)
    expect(tile.octets.subarray(0, 32)).toEqual(Buffer.from(leafHash(utf8(first[0]?.text ?? ''))))
  })

  it.each(['/log/tile/0/000', '/log/tile/9/000.p/1', '/log/tile/0/0.p/1', '/log/tile/0/x000/000.p/1', '/log/tile/0'])(
    'has nothing at %s',
    async (path) => {
      expect((await open(path)).json.code).toBe('not-found')
    },
  )

  it('shows entries to whom the server knows', async () => {
    const path = `/log/tile/entries/000.p/${world.context.log.size}`
    expect((await open(path)).json.code).toBe('signature-missing')
    const { octets } = await call(world, { signer: world.phone.access, path, unsignedAnswer: true })
    const length = octets.readUInt16BE(0)
    const [leaf] = await world.context.read.leaves(0, 1)
    expect(fromUtf8(octets.subarray(2, 2 + length))).toBe(leaf?.text)
  })

  it('proves that one size extends another, to whom the server knows', async () => {
    const { log } = world.context
    const signer = world.phone.access
    expect((await open('/v1/log/consistency?from=1&to=2')).json.code).toBe('signature-missing')
    const answer = await call(world, { signer, path: `/v1/log/consistency?from=1&to=${log.size}` })
    const head = async (size: number) => ({ size, root: await log.root(size) })
    checkConsistency(await head(1), await head(log.size), answer.json.path)
    for (const query of ['from=2&to=1', `from=1&to=${log.size + 1}`, 'from=1', 'from=1&to=1&more=1', 'from=01&to=1']) {
      expect((await call(world, { signer, path: `/v1/log/consistency?${query}` })).json.code).toBe('malformed')
    }
  })
})

describe('a note that somebody reports', () => {
  it('is taken as it is if it fits or says nothing of this log', async () => {
    const { log } = world.context
    expect((await report(await log.checkpoint(log.size))).json).toEqual({ fits: true })
    expect((await report('no note')).json.code).toBe('malformed')
    const other = nodeSigner(generateKeyPairSync('ed25519').privateKey)
    const head = { size: 1000, root: new Uint8Array(32) }
    expect((await report(await signCheckpoint(head, parseVkey(log.vkey), other))).json.code).toBe('malformed')
  })

  it('makes the server read-only if it does not fit', async () => {
    const { log } = world.context
    const note = await signCheckpoint({ size: log.size + 1, root: new Uint8Array(32) }, parseVkey(log.vkey), LOG)
    const answer = await report(note)
    expect([answer.status, answer.json]).toEqual([202, { fits: false }])
    expect(await world.context.read.meta('log-misfit')).toBe(note)
    expect(world.logged.map(({ event }) => event)).toEqual(['log-does-not-fit'])

    const write = await call(world, { signer: world.phone.signer, path: '/v1/enrolments', body: {} })
    expect([write.json.code, write.headers['retry-after']]).toEqual(['read-only', '3600'])
    expect((await call(world, { signer: world.phone.signer, path: '/v1/transfers' })).status).toBe(200)
    expect((await report(note)).status).toBe(202)
  })
})
