import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** Runs a program of Node on one core (where `taskset` exists), and resolves with what it says over IPC when it is ready. */
export async function startOnCore<T>(
  core: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ readonly child: ChildProcess; readonly pid: number; readonly said: T }> {
  const pinned = canPin() ? ['taskset', '-c', core, process.execPath] : [process.execPath]
  const [command, ...before] = pinned as [string, ...string[]]
  const child = spawn(command, [...before, '--no-warnings', ...args], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${args[0]} ended with ${code} before it was ready`)
  })
  const [said] = (await Promise.race([once(child, 'message'), failed])) as [T]
  failed.catch(() => undefined)
  return { child, pid: child.pid as number, said }
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

export function canPin(): boolean {
  return spawnSync('taskset', ['-V']).status === 0
}

export interface ProcessFigures {
  /** User and system time of all threads. */
  readonly cpuSeconds: number
  /** Octets of memory resident now, and at most so far. */
  readonly rss: number
  readonly peakRss: number
}

/** CPU seconds of the live threads of a process, by name. */
export function threadSeconds(pid: number): Map<string, number> {
  const seconds = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    seconds.set(name, (seconds.get(name) ?? 0) + ticksOf(stat) / 100)
  }
  return seconds
}

/** User and system time. */
function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** From /proc, in ticks of 10 ms. */
export function figuresOf(pid: number): ProcessFigures {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024
  return {
    cpuSeconds: ticksOf(stat) / 100,
    rss: kib('VmRSS'),
    peakRss: kib('VmHWM'),
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
