import { type Invocation, invocation } from '../src/invocation.ts'
import { run } from '../src/run.ts'
import type { System } from '../src/system.ts'

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly exit: number
}

/** A command in this process, without a terminal, on the device of a profile folder. */
export async function runHere(profile: string, ...argv: readonly string[]): Promise<Ran> {
  const { system, stdout, stderr } = aCall(profile)
  const before = process.exitCode
  process.exitCode = undefined
  const ended = await run(system, ['--profile', profile, ...argv])
  const exit = Number(process.exitCode ?? ended)
  process.exitCode = before
  return { stdout: stdout.text, stderr: stderr.text, exit }
}

type Written = NodeJS.WriteStream & { text: string }

export interface TestCall extends Invocation {
  readonly stdout: Written
  readonly stderr: Written
}

/** What a command gets that was called without a terminal; what it wrote can be read. */
export function aCall(profile: string): TestCall {
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
  return { ...invocation(system, { profile }), stdout, stderr }
}

function stream(): Written {
  const written = {
    isTTY: false,
    text: '',
    write(more: string | Uint8Array): boolean {
      written.text += more
      return true
    },
  }
  return written as unknown as Written
}
