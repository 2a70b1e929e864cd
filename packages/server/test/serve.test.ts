import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readServeConfig, type ServeConfig } from '../src/config/serve-config.ts'
import { type RunningServer, startServer } from '../src/main.ts'

const ORIGIN = 'https://keys.example'
let folder: string
let running: RunningServer[] = []
vi.setConfig({ testTimeout: 60_000 })
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-serve-'))
})
afterEach(async () => {
  for (const server of running) await server.close()
  running = []
  rmSync(folder, { recursive: true, force: true })
})

function configOf(settings: object = {}): ServeConfig {
  const given = { dataFolder: join(folder, 'data'), origin: ORIGIN, behindProxy: true, logLevel: 'error', ...settings }
  return { ...readServeConfig(given), listenPort: 0 }
}

async function serve(config: ServeConfig = configOf()): Promise<RunningServer> {
  const server = await startServer(config)
  running.push(server)
  return server
}

it('has its data folder for itself, and leaves the server that uses it alone', async () => {
  const first = await serve()
  await expect(startServer(configOf())).rejects.toMatchObject({ name: 'SetupError', code: 'data-in-use' })
  expect(existsSync(first.adminSocket)).toBe(true)
  expect((await fetch(`http://127.0.0.1:${first.port}/healthz`)).status).toBe(200)
  await first.close()
  running = []
  await serve()
})

it('serves under one origin for ever', async () => {
  await (await serve()).close()
  running = []
  await expect(startServer(configOf({ origin: 'https://other.example' }))).rejects.toMatchObject({
    code: 'origin-changed',
    hint: expect.stringContaining(`--origin ${ORIGIN}`),
  })
  await serve()
})

it('gives its folder back when it cannot listen', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const listenPort = typeof address === 'object' && address !== null ? address.port : 0
  await expect(startServer({ ...configOf(), listenPort })).rejects.toMatchObject({ code: 'address-unusable' })
  taken.close()
  // Another port is another origin, where none is given.
  await serve(configOf({ origin: 'https://localhost:8444' }))
})

it('counts what is not signed by the rate that it was given', async () => {
  const { port } = await serve(configOf({ unsignedPerMinute: 3 }))
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await fetch(`http://127.0.0.1:${port}/v1/keys`)).status)
  expect(statuses).toEqual([401, 401, 401, 429, 429])
})
