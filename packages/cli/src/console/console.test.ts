import { KeyferryError } from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import { clean } from './clean.ts'
import { CliError } from './cli-error.ts'
import { columns, width } from './columns.ts'
import { EXIT, exitCodeFor } from './exit-codes.ts'
import { Explained, failureLines, failureOf } from './failure.ts'
import { hintFor } from './hints.ts'
import { deviceFingerprint, fingerprint, shortId } from './ids.ts'
import { output } from './output.ts'
import { paintFor } from './paint.ts'
import { prompts } from './prompts.ts'
import { qrLines } from './qr.ts'
import { stringLines } from './string-lines.ts'
import { ago, ending, parseSpan, pointInTime, span } from './times.ts'

/** A stream that keeps what was written. */
function stream(isTTY = false): NodeJS.WriteStream & { text: string } {
  const written = {
    isTTY,
    text: '',
    write(more: string | Uint8Array): boolean {
      written.text += more
      return true
    },
  }
  return written as unknown as NodeJS.WriteStream & { text: string }
}

describe('text from elsewhere', () => {
  it('cannot move the cursor, hide or reorder what is shown', () => {
    expect(clean('a\x1b[2Jb\x1b]0;title\x07c\rd')).toBe('a\\u{1b}[2Jb\\u{1b}]0;title\\u{7}c\\u{d}d')
    expect(clean('pay\u202edaol\u200b\u2028')).toBe('pay\\u{202e}daol\\u{200b}\\u{2028}')
    expect(clean('plain – ñ 漢')).toBe('plain – ñ 漢')
  })

  it('cannot begin a line of its own, nor paint', () => {
    const [stdout, stderr] = [stream(true), stream(true)]
    const out = output({ stdout, stderr, env: {} }, { json: false, verbose: false })
    const label = 'n2\n00:59 root from ceo \x1b[31mred\x1b[0m'
    out.answer({}, [`${out.paint.good('ok')} ${label}`])
    out.say(label)
    const shown = 'n2\\u{a}00:59 root from ceo \\u{1b}[31mred\\u{1b}[0m\n'
    expect(stdout.text).toBe(`\x1b[32mok\x1b[0m ${shown}`)
    expect(stderr.text).toBe(`keyferry: ${shown}`)
  })

  it('is the same text in JSON, without what a terminal would act on', () => {
    const [stdout, stderr] = [stream(true), stream()]
    const value = { label: 'a\u009b31m\u202e\u{e0001}\n' }
    output({ stdout, stderr, env: {} }, { json: true, verbose: false }).answer(value, [])
    expect(stdout.text).toBe('{"label":"a\\u009b31m\\u202e\\udb40\\udc01\\n"}\n')
    expect(JSON.parse(stdout.text)).toEqual(value)
  })
})

describe('colour', () => {
  it.each([
    ['on a terminal', true, {}, true],
    ['not into a file', false, {}, false],
    ['not against NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('%s', (_, terminal, env, coloured) => {
    expect(paintFor(terminal, env).good('x') !== 'x').toBe(coloured)
  })
})

describe('the two streams', () => {
  it('put the answer on stdout and the conversation on stderr', () => {
    const [stdout, stderr] = [stream(), stream()]
    const out = output({ stdout, stderr, env: {} }, { json: false, verbose: false })
    out.answer({ tr: 'x' }, ['line 1', 'line 2'])
    out.say('waiting')
    out.more('for phone')
    out.detail('E1')
    out.none('nothing there')
    expect([stdout.text, stderr.text]).toEqual([
      'line 1\nline 2\n',
      'keyferry: waiting\n  for phone\nkeyferry: nothing there\n',
    ])
  })

  it('carry one object a line with --json', () => {
    const [stdout, stderr] = [stream(), stream()]
    const out = output({ stdout, stderr, env: {} }, { json: true, verbose: true })
    out.answer({ label: 'a\nb' }, ['text'])
    out.none('nothing there')
    expect([stdout.text, stderr.text]).toEqual(['{"label":"a\\nb"}\n', ''])
  })
})

describe('a failure', () => {
  it('says what did not happen, why with the code, and what to do', () => {
    const failure = failureOf(new KeyferryError('target-untrusted', 'nothing proves who this is'), 'not sent')
    expect(failure.exit).toBe(EXIT.stoppedByCheck)
    expect(failureLines(failure)).toEqual([
      'keyferry: not sent: nothing proves who this is (target-untrusted)',
      expect.stringMatching(/^ {2}hint: .*keyferry user pin/),
    ])
  })

  it('takes what the command alone knows', () => {
    const error = new Explained(new CliError('name-unknown', 'no device is called x'), {
      more: 'There are: y',
      hint: 'z',
    })
    expect(failureLines(failureOf(error, 'not sent'))).toEqual([
      'keyferry: not sent: no device is called x (name-unknown)',
      '  There are: y',
      '  hint: z',
    ])
  })

  it('names the check that the server names', () => {
    const error = new KeyferryError('envelope-invalid', 'refused', { check: 'order-mismatch' })
    expect(failureOf(error, 'x')).toMatchObject({ code: 'envelope-invalid: order-mismatch', exit: EXIT.stoppedByCheck })
  })

  it('says nothing of an error that nobody foresaw, whose text might hold anything', () => {
    const failure = failureOf(new TypeError('secret 1234'), 'not sent')
    expect(failureLines(failure).join()).not.toContain('1234')
    expect(failure.exit).toBe(EXIT.failed)
  })

  it.each(['EACCES', 'EEXIST', 'EISDIR', 'ENOENT', 'ENOTDIR', 'EMFILE'])(
    'says in words what the system calls %s, and what to do',
    (code) => {
      const error = Object.assign(new Error(`${code}: x, open '/a'`), { code, syscall: 'open', path: '/a' })
      const failure = failureOf(error, 'not saved')
      expect(failure.code).toMatch(/^[a-z-]+$/)
      expect(failureLines(failure)).toEqual([
        expect.stringMatching(/^keyferry: not saved: \/a: .* \([a-z-]+\)$/),
        expect.stringMatching(/^ {2}hint: ./),
      ])
    },
  )

  it('gives advice whatever the code', () => {
    for (const code of ['malformed', 'envelope-invalid', 'declined', 'idempotency-in-progress'] as const) {
      expect(failureOf(new KeyferryError(code, 'x'), 'y').hint).not.toBe('')
    }
  })

  it('sends nobody without a device to the doctor, nor the doctor to itself', () => {
    expect(hintFor('unreachable')).toContain('keyferry doctor')
    expect(hintFor('unreachable', 'newcomer')).not.toContain('doctor')
  })

  it('knows codes that are nowhere in the table as plain failures', () => {
    expect(exitCodeFor('toString')).toBe(EXIT.failed)
  })
})

describe('a question', () => {
  it('is refused without a terminal, and the error names the flag', async () => {
    const asked = prompts({ stdin: {} as NodeJS.ReadStream, stderr: stream() }).confirm('Give it?', '--yes')
    await expect(asked).rejects.toMatchObject({ code: 'terminal-needed', hint: expect.stringContaining('--yes') })
  })
})

describe('what people read', () => {
  it('shortens ids and groups fingerprints', () => {
    const thumbprint = Buffer.alloc(32, 0x4a).toString('base64url')
    expect(shortId('tr_2ck0frzqa7em6qn7679ps32h78')).toBe('tr_2ck0…')
    expect(shortId(`${thumbprint}/0tpbn4f2neatkmt5s8z6wygmzj`)).toBe('SkpK…/0tpb')
    expect(shortId(thumbprint)).toBe('SkpK…')
    expect(deviceFingerprint(thumbprint)).toBe('4a4a 4a4a 4a4a 4a4a')
    expect(fingerprint(thumbprint).replaceAll(' ', '')).toBe('4a'.repeat(32))
  })

  it('tells times by distance', () => {
    const now = Date.UTC(2026, 10, 24, 12) / 1000
    expect([span(59), span(3599), span(7200), span(86_400 * 3)]).toEqual(['59 s', '59 min', '2 h', '3 days'])
    expect([ago(now - 2, now), ago(now - 7200, now)]).toEqual(['just now', '2 h ago'])
    expect([ending(now + 61, now), ending(now - 61, now)]).toEqual(['ends in 1 min', 'ended 1 min ago'])
    expect(pointInTime(now + 6 * 86_400, now)).toBe('30 Nov')
    expect(pointInTime(now + 60 * 86_400, now)).toMatch(/2027$/)
  })

  it('reads a span and nothing like it', () => {
    expect(['90s', '10m', '2h', '7d', '0s', '1.5h', '7', ' 7d', '-1d'].map(parseSpan)).toEqual([
      90,
      600,
      7200,
      604_800,
      null,
      null,
      null,
      null,
      null,
    ])
  })

  it('aligns columns, whatever the letters', () => {
    expect(
      columns([
        ['a', 'b'],
        ['漢字', 'c'],
      ]),
    ).toEqual(['a     b', '漢字  c'])
    expect(width(`${paintFor(true, {}).bad('no')} e\u0301`)).toBe(4)
  })

  it('draws a QR code only where it fits', () => {
    expect(qrLines('keyferry:?v=1', 80)?.length).toBeGreaterThan(10)
    expect(qrLines('keyferry:?v=1', 10)).toBeNull()
    expect(qrLines('keyferry:?v=1', undefined)).toBeNull()
  })

  it('gives a pipe the string and nothing else, a terminal also its code', async () => {
    const stdout = (isTTY: boolean) => ({ stdout: { isTTY, columns: 80 } as NodeJS.WriteStream })
    expect(await stringLines(stdout(false), 'keyferry:?v=1')).toEqual(['keyferry:?v=1'])
    const [first, ...rest] = await stringLines(stdout(true), 'keyferry:?v=1')
    expect(first).toBe('    keyferry:?v=1')
    expect(rest.length).toBeGreaterThan(10)
  })
})
