import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CliError } from '../console/cli-error.ts'
import { shortPath } from '../folders.ts'
import type { Invocation } from '../invocation.ts'
import { systemdUnit, UNIT_NAME } from './systemd-unit.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/keyferry.js', import.meta.url))

/** `keyferry agent --install`: a service of the user's own systemd, started now and at each start of the machine. */
export async function install(call: Invocation): Promise<void> {
  const { system, output, profile } = call
  const { asksPassphrase } = await import('@keyferry/device')
  if (asksPassphrase(profile) && call.passphraseFile === null) {
    throw new CliError('terminal-needed', 'a service cannot ask for the passphrase of this device', {
      hint: 'name a file that only you can read: --passphrase-file FILE',
    })
  }
  const path = unitPath(call)
  mkdirSync(join(path, '..'), { recursive: true })
  const passphraseFile = call.passphraseFile === null ? null : resolve(call.passphraseFile)
  writeFileSync(path, systemdUnit({ node: process.execPath, launcher: LAUNCHER, profile, passphraseFile }))
  await systemctl('daemon-reload')
  await systemctl('enable', '--now', UNIT_NAME)
  output.answer({ unit: path }, [`The agent runs as a service: ${shortPath(path, system.home)}`])
  output.say(
    'Look at it with `systemctl --user status keyferry-agent`; it ends when you log out unless `loginctl enable-linger` was said once.',
  )
}

export async function uninstall(call: Invocation): Promise<void> {
  const path = unitPath(call)
  if (!existsSync(path))
    throw new CliError('name-unknown', 'there is no such service of yours', { hint: 'keyferry agent --install' })
  await systemctl('disable', '--now', UNIT_NAME)
  rmSync(path)
  await systemctl('daemon-reload')
  call.output.answer({ unit: path }, ['The service is gone; this device is as it was.'])
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

async function systemctl(...words: string[]): Promise<void> {
  try {
    await promisify(execFile)('systemctl', ['--user', ...words], { timeout: 20_000 })
  } catch (cause) {
    throw new CliError('not-supported-here', `systemctl --user ${words[0]} did not work`, {
      hint: 'is there a systemd of your own here? `systemctl --user status`',
      cause,
    })
  }
}
