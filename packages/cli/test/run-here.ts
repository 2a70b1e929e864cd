import { run } from '../src/run.ts'
import type { System } from '../src/system.ts'

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly exit: number
}

/** A command in this process, without a terminal, on the device of a profile folder. */
export async function runHere(profile: string, ...argv: readonly string[]): Promise<Ran> {
  const [stdout, stderr] = [stream(), stream()]
  const system: System = {
    stdin: { isTTY: false } as unknown as NodeJS.ReadStream,
    stdout,
    stderr,
    env: {},
    home: profile,
    now: () => Math.floor(Date.now() / 1000),
    interruption: () => new AbortController().signal,
  }
  const before = process.exitCode
  process.exitCode = undefined
  const ended = await run(system, ['--profile', profile, ...argv])
  const exit = Number(process.exitCode ?? ended)
  process.exitCode = before
  return { stdout: stdout.text, stderr: stderr.text, exit }
}

function stream(): NodeJS.WriteStream & { text: string } {
  const written = {
    isTTY: false,
    text: '',
    write(more: string | Uint8Array): boolean {
      written.text += more
      return true
    },
  }
  return written as unknown as NodeJS.WriteStream & { text: string }
}
