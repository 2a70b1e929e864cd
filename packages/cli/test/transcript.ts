import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/keyferry.js', import.meta.url))
const STEP_MILLISECONDS = 60_000

/** One command and what came of it. */
export interface Step {
  /** As typed, for `sh -c`. */
  readonly typed: string
  readonly stdout: string
  readonly stderr: string
  readonly exit: number
}

/**
 * A transcript is read as people write one: `$ ` begins a command, `2| ` a line of stderr, `= N` ends a command that did not exit with
 * 0; a blank line and lines with `#` before the next command are for the reader; all else is stdout.
 */
export interface Transcript {
  readonly steps: readonly Step[]
  /** What stands before each step, for the reader. */
  readonly remarks: readonly string[]
}

export function readTranscript(text: string): Transcript {
  const blocks = text.split(/^(?=\$ )/m)
  const [intro = '', ...rest] = blocks
  const remarks = [intro]
  const steps = rest.map((block) => {
    const [end = '', remark = ''] = /\n(\n(?:(?:#.*)?\n)*)?$/.exec(block) ?? []
    remarks.push(remark)
    return readStep(block.slice(0, block.length - end.length))
  })
  return { steps, remarks }
}

function readStep(block: string): Step {
  const [first = '', ...lines] = block.split('\n')
  const of = (kind: (line: string) => boolean): readonly string[] => lines.filter(kind)
  const isExit = (line: string): boolean => /^= \d+$/.test(line)
  const isAside = (line: string): boolean => line.startsWith('2| ')
  return {
    typed: first.slice(2),
    stdout: of((line) => !isExit(line) && !isAside(line)).join('\n'),
    stderr: of(isAside)
      .map((line) => line.slice(3))
      .join('\n'),
    exit: Number(of(isExit)[0]?.slice(2) ?? 0),
  }
}

export function writeTranscript({ steps, remarks }: Transcript): string {
  return (
    (remarks[0] ?? '') +
    steps
      .map(({ typed, stdout, stderr, exit }, i) => {
        const aside = stderr === '' ? [] : stderr.split('\n').map((line) => `2| ${line}`)
        const lines = [`$ ${typed}`, ...(stdout === '' ? [] : [stdout]), ...aside, ...(exit === 0 ? [] : [`= ${exit}`])]
        return `${lines.join('\n')}\n${remarks[i + 1] ?? ''}`
      })
      .join('')
  )
}

/** A machine of its own: a home folder where nothing was, and `keyferry` on the path. */
export interface Machine {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  run(typed: string): Promise<Step>
  remove(): void
}

export function machine(extra: Readonly<Record<string, string>> = {}): Machine {
  const home = mkdtempSync(join(tmpdir(), 'keyferry-cli-'))
  const bin = join(home, '.bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'keyferry'), `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`)
  chmodSync(join(bin, 'keyferry'), 0o755)
  const cache = join(tmpdir(), 'keyferry-test-cache')
  const env = {
    HOME: home,
    XDG_CACHE_HOME: cache,
    PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    ...extra,
  }
  return {
    home,
    env,
    run: (typed) => runStep(typed, home, env),
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

function runStep(typed: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Step> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      '/bin/sh',
      ['-c', typed],
      { cwd, env, timeout: STEP_MILLISECONDS },
      (error, stdout, stderr) => {
        if (error?.killed === true)
          reject(new Error(`no end after ${STEP_MILLISECONDS} ms: ${typed}\n${stdout}${stderr}`))
        else resolve({ typed, stdout: lines(stdout), stderr: lines(stderr), exit: child.exitCode ?? 1 })
      },
    )
    child.stdin?.end()
  })
}

function lines(text: string): string {
  return text.replace(/\n+$/, '')
}

/** What differs from run to run, each under a name that tells what it is. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b(tr|dl|nt|en|ct|gr|ss)_[0-9a-hjkmnp-tv-z]{4,26}…?/g, '$1_ID'],
  [/SHA256:[A-Za-z0-9+/]{43}/g, 'SHA256:PUBLIC'],
  [/\b(?:[0-9a-f]{4} ){3,15}[0-9a-f]{4}\b/g, 'FINGER PRINT'],
  // No word boundary before it: an id may begin with a hyphen.
  [/(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{4}…\/[0-9a-z]{4}/g, 'KEY…/ID'],
  [/keyferry(-user)?:\?v=1\S*/g, 'keyferry$1:?v=1…'],
  [/(localhost%3A|localhost:|127\.0\.0\.1:)\d{2,5}/g, '$1PORT'],
  [/\/log\+[0-9a-f]{8}\+\S+/g, '/log+VKEY'],
  [/\b\d\d:\d\d\b/g, 'HH:MM'],
  [/\bprivate-[0-9a-z]{6}\b/g, 'private-ID'],
  // A new device may ask once more when it has been let in, or have heard that at once.
  [/\bnot seen since it joined\b/g, 'last seen just now'],
  [/\bjust now\b|\b\d+ (?:s|ms|min) ago\b/g, 'N s ago'],
  [/\b\d+ (?:s|ms|min)\b/g, 'N s'],
  [/\buntil \d+ [A-Z][a-z]{2}(?: \d{4})?\b/g, 'until DAY'],
  [/\bin \d+ days\b/g, 'in N days'],
  [/^( +dl_ID) \S+…$/gm, '$1 DEVICE'],
  [/\bHPKE-7 {2}[\w-]{43}\b/g, 'HPKE-7  KID'],
  [/\b\d+ entries, ([a-z ,]*)grown from the \d+/g, 'N entries, $1grown from the N'],
]

/** A step as it can be compared with the one in a transcript. */
export function normalised(step: Step, { home }: Pick<Machine, 'home'>): Step {
  const each = (text: string): string =>
    closeUp(VARYING.reduce((changed, [found, name]) => changed.replace(found, name), text.replaceAll(home, '/HOME')))
  return { ...step, stdout: each(step.stdout), stderr: each(step.stderr) }
}

/** Where a number of another length stood, columns moved: there, places count for nothing. */
function closeUp(text: string): string {
  return text.replace(/^.*N s.*$/gm, (line) => line.replace(/(\S) {2,}/g, '$1  '))
}
