/**
 * What a server and an agent take while nothing happens: `npm run bench:idle`, or with `-- --seconds 600` for a longer look.
 * Real processes of the command line, over TLS; the agent holds its stream open.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { figuresOf, freePort } from './processes.ts'

const KEYFERRY = fileURLToPath(new URL('../packages/cli/bin/keyferry.js', import.meta.url))
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, settle: { type: 'string', default: '20' } },
})
const folder = mkdtempSync(join(tmpdir(), 'keyferry-idle-'))
const data = join(folder, 'server')
const env = { ...process.env, HOME: folder }

function start(args: readonly string[]) {
  return spawn(process.execPath, [KEYFERRY, '--json', '--profile', join(folder, 'device'), ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** Runs one command to its end; what it says on stdout. */
async function run(args: readonly string[], input = ''): Promise<string> {
  const child = start(args)
  child.stdin.end(input)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`keyferry ${args.join(' ')} ended with ${code}`)
  return said
}

const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

const server = start(['serve', '--data', data, '--port', String(await freePort())])
let agent: ReturnType<typeof start> | null = null
try {
  await once(server.stdout, 'data')
  server.stdout.resume()
  const { invitation } = JSON.parse(await run(['user', 'invite', 'marta', '--data', data])) as { invitation: string }
  await run(['init', '--name', 'laptop', '--no-passphrase', '--tls-ca', join(data, 'tls', 'ca.pem')], invitation)
  agent = start(['agent'])
  agent.stdout.resume()
  await wait(Number(options.settle))
  const processes = [
    ['server', server.pid as number],
    ['agent', agent.pid as number],
  ] as const
  const before = processes.map(([, pid]) => figuresOf(pid))
  await wait(Number(options.seconds))
  processes.forEach(([name, pid], i) => {
    const { cpuSeconds, rss } = figuresOf(pid)
    const used = ((cpuSeconds - (before[i]?.cpuSeconds ?? 0)) / Number(options.seconds)) * 100
    console.log(`${name.padEnd(7)} ${Math.round(rss / 1024 ** 2)} MB resident   ${used.toFixed(2)} % of one core`)
  })
} finally {
  for (const child of [agent, server]) {
    if (child === null || child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
}
