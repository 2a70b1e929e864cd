import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { answers, environment } from '../../demo/child.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/keyferry.js', import.meta.url))
/** Longer than the server's sweep: a decision that took too long on a busy machine is made then. */
const SOON_MILLISECONDS = 80_000

export type Told = Readonly<Record<string, unknown>>

/** `keyferry …` that goes on until it is ended, and is started again as it was when it was killed. */
export interface Lasting {
  /** What all its processes printed with `--json`. */
  readonly told: readonly Told[]
  /** What the process that runs now has printed. */
  readonly toldSinceStart: readonly Told[]
  readonly stderr: string
  start(): void
  /** Resolves when the process that runs now has ended, by itself or not. */
  gone(): Promise<void>
  /** SIGKILL: resolves when the system has taken it away. */
  kill(): Promise<void>
  /** SIGTERM, as a service manager does. */
  stop(): Promise<void>
}

/** Whatever becomes of the test, no process outlives it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export function lasting(home: string, words: readonly string[]): Lasting {
  const told: Told[] = []
  let current: { child: ChildProcess; from: number; gone: Promise<unknown> } | null = null
  let stderr = ''
  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = current
    if (ending === null) return
    current = null
    ending.child.kill(signal)
    await ending.gone
  }
  return {
    told,
    get toldSinceStart() {
      return current === null ? [] : told.slice(current.from)
    },
    get stderr() {
      return stderr
    },
    start() {
      const child = spawn(process.execPath, [LAUNCHER, '--json', ...words], {
        env: environment(home),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.add(child)
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      const gone = new Promise((resolve) => child.once('close', resolve)).then(() => running.delete(child))
      void (async () => {
        for await (const object of answers(child)) told.push(object)
      })()
      current = { child, from: told.length, gone }
    },
    async gone() {
      await current?.gone
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

/** Looks until it is so. */
export async function until(what: string, holds: () => boolean, more: () => string = () => ''): Promise<void> {
  const end = Date.now() + SOON_MILLISECONDS
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not: ${what}\n${more()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
