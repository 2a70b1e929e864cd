/**
 * Whole transfers against a Keyferry server, alternating in one run with the minimal prototype (see README.md here).
 *
 *     npm run bench                              5 pairs of runs
 *     npm run bench -- --pairs 1 --transfers 500
 *     npm run bench -- --only keyferry --profile profile/
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type PublicSigningJwk, type Thumbprint, thumbprint } from '@keyferry/protocol'
import { enrolPair } from './load/pair.ts'
import { type Ferry, openFerry } from './load/whole-transfer.ts'
import { endProcess, figuresOf, freePort, startOnCore, threadSeconds } from './processes.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const SERVER_CORE = '0'
const LOAD_CORE = '1'
/** The prototype's default: 1 KiB of ciphertext. Of a Keyferry envelope that is the wrapped key; order and binding come on top. */
const CIPHERTEXT_OCTETS = 1024
const HPKE_TAG_OCTETS = 16

interface Figures {
  readonly tps: number
  readonly cpuUs: number
  readonly p50: number
  readonly p99: number
  readonly rssMB: number
  /** CPU microseconds per transfer, by thread. */
  readonly threads?: readonly string[]
}

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '64' },
    transfers: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    profile: { type: 'string' },
    /** For Node, in one string with spaces. */
    'server-flags': { type: 'string' },
    ceiling: { type: 'string', default: join(HERE, '../../shared/bench/ceiling') },
    json: { type: 'boolean', default: false },
    /** Also each round, and the threads. */
    verbose: { type: 'boolean', default: false },
    load: { type: 'boolean', default: false },
  },
})
const concurrency = Number(options.concurrency)
const transfers = Number(options.transfers)

/** One run of the prototype's own load program: the same algorithm, concurrency, size and pinning. */
function runCeiling(port: number): Figures {
  const args = ['-c', LOAD_CORE, process.execPath, '--no-warnings', join(options.ceiling, 'load.mjs')]
  const env = { ...process.env, ALG: 'p256', SERVER_CPU: SERVER_CORE, PORT: String(port), REPS: options.rounds }
  const load = spawnSync('taskset', [...args, String(concurrency), String(transfers), String(CIPHERTEXT_OCTETS)], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (load.status !== 0) throw new Error('the prototype failed')
  const figures = JSON.parse(load.stdout) as Record<string, number>
  return {
    tps: figures.tps as number,
    cpuUs: figures.cpuUsPerTransfer as number,
    p50: figures.p50ms as number,
    p99: figures.p99ms as number,
    rssMB: figures.rssMB as number,
  }
}

/** One run of this program as load generator, on its own core. */
function runKeyferry(): Figures {
  const args = ['-c', LOAD_CORE, process.execPath, '--no-warnings', fileURLToPath(import.meta.url), '--load']
  const passed = ['--concurrency', options.concurrency, '--transfers', options.transfers, '--rounds', options.rounds]
  if (options.profile !== undefined) passed.push('--profile', resolve(options.profile))
  if (options['server-flags'] !== undefined) passed.push(`--server-flags=${options['server-flags']}`)
  if (options.verbose) passed.push('--verbose')
  const load = spawnSync('taskset', [...args, ...passed], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (load.status !== 0) throw new Error('the load program failed')
  return JSON.parse(load.stdout) as Figures
}

async function loadKeyferry(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-bench-'))
  const port = await freePort()
  const flags = options['server-flags'] === undefined ? [] : options['server-flags'].split(' ')
  if (options.profile !== undefined) flags.push('--cpu-prof', `--cpu-prof-dir=${options.profile}`)
  const program = [...flags, join(HERE, 'server.ts'), join(folder, 'data'), String(port)]
  const server = await startOnCore<{ adminSocket: string }>(SERVER_CORE, program)
  const ferries: Ferry[] = []
  try {
    const { keys } = (await (await fetch(`http://127.0.0.1:${port}/.well-known/keyferry`)).json()) as {
      keys: PublicSigningJwk[]
    }
    const serverKeys = new Map<Thumbprint, PublicSigningJwk>(keys.map((jwk) => [thumbprint(jwk), jwk]))
    for (let n = 0; n < concurrency; n++) {
      const pair = await enrolPair(port, server.said.adminSocket, n)
      ferries.push(await openFerry({ pair, port, serverKeys, keyOctets: CIPHERTEXT_OCTETS - HPKE_TAG_OCTETS }))
    }
    await round(ferries, Math.max(concurrency * 4, 300)) // warm
    const rounds: Figures[] = []
    for (let i = 0; i < Number(options.rounds); i++) rounds.push(await measure(server.pid, ferries))
    return rounds.sort((a, b) => a.cpuUs - b.cpuUs)[rounds.length >> 1] as Figures
  } finally {
    for (const ferry of ferries) ferry.close()
    await endProcess(server.child)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(pid: number, ferries: readonly Ferry[]): Promise<Figures> {
  const before = figuresOf(pid)
  const threadsBefore = threadSeconds(pid)
  const began = performance.now()
  const latencies = (await round(ferries, transfers)).sort((a, b) => a - b)
  const seconds = (performance.now() - began) / 1000
  const after = figuresOf(pid)
  const threads = [...threadSeconds(pid)].map(([name, cpu]) => {
    const us = ((cpu - (threadsBefore.get(name) ?? 0)) * 1e6) / transfers
    return `${name} ${Math.round(us)}`
  })
  const figures = {
    tps: Math.round(transfers / seconds),
    cpuUs: Math.round(((after.cpuSeconds - before.cpuSeconds) * 1e6) / transfers),
    p50: round1(latencies[latencies.length >> 1] as number),
    p99: round1(latencies[Math.floor(latencies.length * 0.99)] as number),
    rssMB: Math.round(after.peakRss / 1024 ** 2),
    threads,
  }
  if (options.verbose) show('round', figures)
  return figures
}

/** Each pair does its share, one transfer after the other. */
async function round(ferries: readonly Ferry[], count: number): Promise<number[]> {
  const latencies: number[] = []
  await Promise.all(
    ferries.map(async (ferry, n) => {
      for (let i = n; i < count; i += ferries.length) latencies.push(await ferry.transfer())
    }),
  )
  return latencies
}

function round1(value: number): number {
  return Math.round(value * 10) / 10
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

async function compare(): Promise<void> {
  const runs: { readonly ceiling: Figures | null; readonly keyferry: Figures | null }[] = []
  const withCeiling = options.only !== 'keyferry'
  if (withCeiling && !existsSync(join(options.ceiling, 'load.mjs'))) {
    throw new Error('there is no prototype there: --ceiling FOLDER, or --only keyferry')
  }
  for (let i = 0; i < Number(options.pairs); i++) {
    const ceiling = withCeiling ? runCeiling(await freePort()) : null
    if (ceiling !== null) show(`${i + 1} prototype`, ceiling)
    const keyferry = options.only === 'ceiling' ? null : runKeyferry()
    if (keyferry !== null) show(`${i + 1} keyferry`, keyferry)
    runs.push({ ceiling, keyferry })
  }
  const ratios = runs.flatMap(({ ceiling, keyferry }) =>
    ceiling === null || keyferry === null
      ? []
      : [{ cpu: keyferry.cpuUs / ceiling.cpuUs, tps: keyferry.tps / ceiling.tps }],
  )
  const cpuRatio = ratios.length === 0 ? null : Math.round(median(ratios.map(({ cpu }) => cpu)) * 100) / 100
  const tpsRatio = ratios.length === 0 ? null : Math.round(median(ratios.map(({ tps }) => tps)) * 100) / 100
  if (cpuRatio !== null) {
    process.stderr.write(
      `\nmedian of ${ratios.length} pairs: CPU per transfer ${cpuRatio}x, transfers/s ${tpsRatio}x the prototype's\n`,
    )
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ concurrency, transfers, runs, cpuRatio, tpsRatio })}\n`)
}

function show(name: string, { tps, cpuUs, p50, p99, rssMB, threads }: Figures): void {
  process.stderr.write(
    `${name.padEnd(12)} ${String(tps).padStart(5)} transfers/s   ${String(cpuUs).padStart(5)} us CPU each   ` +
      `p50 ${p50} ms   p99 ${p99} ms   peak RSS ${rssMB} MB\n`,
  )
  if (options.verbose && threads !== undefined) process.stderr.write(`             by thread: ${threads.join(', ')}\n`)
}

if (options.load) process.stdout.write(JSON.stringify(await loadKeyferry()))
else await compare()
