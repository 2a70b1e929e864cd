import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CliError } from '../console/cli-error.ts'
import { shortPath } from '../folders.ts'
import type { Invocation } from '../invocation.ts'
import { systemdUnit, UNIT_NAME } from './systemd-unit.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/keyferry.js', import.meta.url))

/** Runs `systemctl --user`; throws what went wrong. */
export type Systemctl = (...words: string[]) => Promise<void>

/** `keyferry agent --install`: a service of the user's own systemd, started now and at each start of the machine. All or nothing. */
export async function install(call: Invocation, systemctl: Systemctl = runSystemctl): Promise<void> {
  const { system, output, profile } = call
  const { asksPassphrase } = await import('@keyferry/device')
  if (asksPassphrase(profile) && call.passphraseFile === null) {
    throw new CliError('terminal-needed', 'a service cannot ask for the passphrase of this device', {
      hint: 'name a file that only you can read: --passphrase-file FILE',
    })
  }
  const path = unitPath(call)
  const before = existsSync(path) ? readFileSync(path) : null
  const passphraseFile = call.passphraseFile === null ? null : resolve(call.passphraseFile)
  const made = mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, systemdUnit({ node: process.execPath, launcher: LAUNCHER, profile, passphraseFile }))
  try {
    await systemctl('daemon-reload')
    await systemctl('enable', '--now', UNIT_NAME)
  } catch (cause) {
    if (before !== null) writeFileSync(path, before)
    else {
      await systemctl('disable', '--now', UNIT_NAME).catch(() => {})
      removeUnit(path)
      if (made !== undefined) rmSync(made, { recursive: true })
    }
    await systemctl('daemon-reload').catch(() => {})
    throw notBySystemd('the service was not started', cause)
  }
  output.answer({ unit: path }, [`The agent runs as a service: ${shortPath(path, system.home)}`])
  output.say(
    'Look at it with `systemctl --user status keyferry-agent`; it ends when you log out unless `loginctl enable-linger` was said once.',
  )
}

/** Removes the service also where no systemd runs: then there is nothing to end. */
export async function uninstall(call: Invocation, systemctl: Systemctl = runSystemctl): Promise<void> {
  const path = unitPath(call)
  if (!existsSync(path))
    throw new CliError('nothing-to-do', 'there is no such service of yours', {
      hint: 'to make one: keyferry agent --install',
    })
  const isEnded = await systemctl('disable', '--now', UNIT_NAME).then(
    () => true,
    () => false,
  )
  removeUnit(path)
  await systemctl('daemon-reload').catch(() => {})
  call.output.answer({ unit: path }, ['The service is gone; this device is as it was.'])
  if (!isEnded) {
    call.output.say('systemd gave no answer: if the agent still runs, end it, or log out')
  }
}

/** The unit, and the link by which it is started. */
function removeUnit(path: string): void {
  rmSync(join(dirname(path), 'default.target.wants', UNIT_NAME), { force: true })
  rmSync(path, { force: true })
}

function unitPath({ system }: Invocation): string {
  if (process.platform !== 'linux') {
    throw new CliError('not-supported-here', 'services are written for systemd only', {
      hint: 'start `keyferry agent` by what your system has for that (launchd, Task Scheduler)',
    })
  }
  const base = system.env.XDG_CONFIG_HOME || join(system.home, '.config')
  return join(base, 'systemd', 'user', UNIT_NAME)
}

async function runSystemctl(...words: string[]): Promise<void> {
  await promisify(execFile)('systemctl', ['--user', ...words], { timeout: 20_000 })
}

function notBySystemd(why: string, cause: unknown): CliError {
  return new CliError('not-supported-here', why, {
    more: 'Nothing of it stays behind.',
    hint: 'is there a systemd of your own here? `systemctl --user status`; else start `keyferry agent` yourself',
    cause,
  })
}
