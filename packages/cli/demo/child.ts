import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/keyferry.js', import.meta.url))
const COMMAND_MILLISECONDS = 60_000

/** What a command of a device printed. */
export interface Ran {
  readonly exit: number
  /** The objects of `--json`, one a line. */
  readonly objects: readonly Record<string, unknown>[]
  readonly stderr: string
}

export interface Device {
  readonly name: string
  /** Its profile folder, of nobody else. */
  readonly folder: string
}

/** Everything that a command may find in its environment: nothing of the person who runs the demo. */
export function environment(home: string): Record<string, string> {
  return { HOME: home, PATH: process.env.PATH ?? '', TZ: 'UTC', NO_COLOR: '1' }
}

/** Runs `keyferry …` for a device as a process of its own and waits for its end. */
export async function keyferry(
  home: string,
  device: Device | null,
  words: readonly string[],
  stdin = '',
): Promise<Ran> {
  const child = start(home, device, words)
  child.stdin?.end(stdin)
  const objects: Record<string, unknown>[] = []
  for await (const object of answers(child)) objects.push(object)
  return { ...(await ended(child)), objects }
}

/** Starts `keyferry …` for a device; `answers` and `ended` follow it. */
export function start(home: string, device: Device | null, words: readonly string[]): ChildProcess {
  const profile = device === null ? [] : ['--profile', device.folder]
  const child = spawn(process.execPath, [LAUNCHER, '--json', ...profile, ...words], {
    env: environment(home),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: COMMAND_MILLISECONDS,
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.set(child, (said.get(child) ?? '') + text)
  })
  return child
}

const said = new WeakMap<ChildProcess, string>()

export async function* answers(child: ChildProcess): AsyncGenerator<Record<string, unknown>> {
  if (child.stdout === null) return
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) yield JSON.parse(line) as Record<string, unknown>
  }
}

export async function ended(child: ChildProcess): Promise<Pick<Ran, 'exit' | 'stderr'>> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('close', resolve))
  return { exit: child.exitCode ?? 1, stderr: said.get(child) ?? '' }
}

/** The server as a process of its own. Its event log, at its most talkative, goes into a file that is searched later. */
export interface ServerProcess {
  readonly pid: number
  stop(): Promise<void>
}

export async function startServerProcess(
  home: string,
  logFile: string,
  words: readonly string[],
): Promise<ServerProcess> {
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(process.execPath, [LAUNCHER, '--json', 'serve', '--log-level', 'debug', ...words], {
    env: environment(home),
    stdio: ['ignore', 'pipe', log],
  })
  closeSync(log)
  const first = await answers(child).next()
  if (first.done === true || child.pid === undefined) throw new Error(`the server did not start: see ${logFile}`)
  return {
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM')
      await ended(child)
    },
  }
}
