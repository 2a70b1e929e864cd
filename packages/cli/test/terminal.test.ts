import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverMachine } from './server-machine.ts'

const SCRIPT = '/usr/bin/script'
const SSH_KEYGEN = '/usr/bin/ssh-keygen'

/** What a person sees and types: each answer is given once its question stands there. */
async function onTerminal(
  here: { readonly env: Readonly<Record<string, string>>; readonly home: string },
  typed: string,
  dialogue: readonly (readonly [question: RegExp, answer: string])[],
): Promise<{ shown: string; exit: number }> {
  const child = spawn(SCRIPT, ['-qec', `stty cols 160 rows 40; ${typed}`, '/dev/null'], {
    cwd: here.home,
    env: { ...here.env, TERM: 'xterm' },
  })
  let shown = ''
  let asked = 0
  let from = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    const next = dialogue[asked]
    if (next === undefined || !next[0].test(shown.slice(from))) return
    from = shown.length
    asked++
    // A moment, as a person needs one: the question is drawn before keys are read.
    setTimeout(() => child.stdin.write(next[1]), 300)
  })
  const exit = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  return { shown, exit }
}

describe.skipIf(!existsSync(SCRIPT))('on a terminal', () => {
  let here: Awaited<ReturnType<typeof serverMachine>>
  beforeAll(async () => {
    here = await serverMachine()
    await here.run('keyferry user invite marta > for-marta')
  }, 100_000)
  afterAll(() => here.stop())

  it('asks for a passphrase twice, shows it never, and asks for it again to open', { timeout: 200_000 }, async () => {
    const init = await onTerminal(here, `keyferry --profile laptop init "$(grep -o 'keyferry:.*' for-marta)"`, [
      [/Passphrase for this device/, 'correct horse\r'],
      [/once more/, 'correct horse\r'],
    ])
    expect(init.shown).toContain("This is marta's first device.")
    expect(init.shown).not.toContain('horse')
    const wrong = await onTerminal(here, 'keyferry --profile laptop key list', [[/Passphrase for this device/, 'x\r']])
    expect(wrong).toMatchObject({ exit: 1, shown: expect.stringContaining('passphrase-wrong') })
    const right = await onTerminal(here, 'keyferry --profile laptop key generate k', [
      [/Passphrase for this device/, 'correct horse\r'],
    ])
    expect(right).toMatchObject({ exit: 0, shown: expect.stringContaining('Ed25519') })
  })

  it('reveals a key there, and ends politely at Ctrl-C', { timeout: 200_000 }, async () => {
    const open: [RegExp, string] = [/Passphrase for this device/, 'correct horse\r']
    const revealed = await onTerminal(here, 'keyferry --profile laptop key show k --reveal', [open])
    expect(revealed.shown).toContain('BEGIN OPENSSH PRIVATE KEY')
    const stopped = await onTerminal(here, 'keyferry --profile laptop root rotate', [
      open,
      [/Replace your root/, '\x03'],
    ])
    expect(stopped).toMatchObject({ exit: 3, shown: expect.stringContaining('you stopped at a question') })
    const refused = await onTerminal(here, 'keyferry --profile laptop root rotate', [open, [/Replace your root/, 'n']])
    expect(refused).toMatchObject({ exit: 3, shown: expect.stringContaining('you said no') })
  })

  it.skipIf(!existsSync(SSH_KEYGEN))(
    'asks for the passphrase of a key file, and shows octets as text',
    {
      timeout: 200_000,
    },
    async () => {
      const open: [RegExp, string] = [/Passphrase for this device/, 'correct horse\r']
      await here.run(`${SSH_KEYGEN} -q -t ed25519 -N 'battery staple' -f id; head -c 32 /dev/zero > zeros`)
      const added = await onTerminal(here, 'keyferry --profile laptop key add id', [
        [/Passphrase of the key file/, 'battery staple\r'],
        open,
      ])
      expect(added).toMatchObject({ exit: 0, shown: expect.stringContaining('private (Ed25519)') })
      expect(added.shown).not.toContain('staple')
      await onTerminal(here, 'keyferry --profile laptop key add zeros --type aes', [open])
      const revealed = await onTerminal(here, 'keyferry --profile laptop key show zeros --reveal', [open])
      expect(revealed.shown).toContain(`${Buffer.alloc(32).toString('base64')}\r\n`)
      expect(revealed.shown).not.toContain('\0')
    },
  )
})
