import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemdUnit, UNIT_NAME } from './systemd-unit.ts'

const PLAIN = {
  node: process.execPath,
  launcher: process.execPath,
  profile: '/home/luis/a b%c$d"e',
  passphraseFile: '/home/luis/pass%word',
}

describe('the unit of the agent', () => {
  it('hands the passphrase over as a credential', () => {
    const unit = systemdUnit(PLAIN)
    expect(unit).toContain('LoadCredential=passphrase:/home/luis/pass%%word')
    expect(unit).toContain('--passphrase-file %d/passphrase agent')
    expect(systemdUnit({ ...PLAIN, passphraseFile: null })).not.toContain('passphrase')
  })

  it('keeps odd paths whole', () => {
    expect(systemdUnit(PLAIN)).toContain('--profile "/home/luis/a b%%c$$d\\"e"')
  })

  it.skipIf(!existsSync('/usr/bin/systemd-analyze'))('is one that systemd reads without a word', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyferry-unit-'))
    try {
      const path = join(folder, UNIT_NAME)
      writeFileSync(path, systemdUnit(PLAIN))
      const said = execFileSync('/usr/bin/systemd-analyze', ['verify', '--man=no', '--user', path], {
        encoding: 'utf8',
        stdio: 'pipe',
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      })
      expect(said).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
