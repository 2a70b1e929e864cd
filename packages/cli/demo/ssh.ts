import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { publicHalf, readKeyFile, sshFingerprint, writeKeyFile } from '@keyferry/device'

/** Makes an OpenSSH Ed25519 key: by `ssh-keygen` where there is one, else by the device package. */
export function makeSshKey(path: string): 'ssh-keygen' | 'keyferry' {
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'demo', '-f', path], { stdio: 'ignore' })
    return 'ssh-keygen'
  } catch {
    const { privateKey } = generateKeyPairSync('ed25519')
    const octets = privateKey.export({ format: 'der', type: 'pkcs8' })
    writeFileSync(path, writeKeyFile('private', octets, 'auto', 'demo'), { mode: 0o600 })
    return 'keyferry'
  }
}

/** What two copies of a key are compared by: their public halves, or for keys that have none the octets themselves. */
export interface Compared {
  readonly equal: boolean
  /** For people: how, and with what result. */
  readonly how: string
}

export function compareKeys(original: string, copy: string): Compared {
  const [one, other] = [original, copy].map((path) => readKeyFile(readFileSync(path)))
  if (one?.type !== 'private' || other?.type !== 'private') {
    const equal = one !== undefined && other !== undefined && Buffer.compare(one.octets, other.octets) === 0
    return { equal, how: 'octet by octet' }
  }
  const prints = [one, other]
    .map(({ octets }) => publicHalf(octets))
    .map((half) => (half === null ? null : sshFingerprint(half)))
  const lines = [original, copy].map(sshKeygenLine)
  const by = lines.every((line) => line !== null) ? 'ssh-keygen -y on both sides' : 'public halves'
  const shown = prints.map((print) => (print === null ? 'a key that SSH does not know' : `${print.slice(0, 15)}…`))
  const octetsEqual = Buffer.compare(one.octets, other.octets) === 0
  return { equal: octetsEqual && prints[0] === prints[1] && lines[0] === lines[1], how: `${by}: ${shown.join(' = ')}` }
}

/** The line of `ssh-keygen -y` without its comment; null where there is no ssh-keygen, or it does not take the file. */
function sshKeygenLine(path: string): string | null {
  try {
    const line = execFileSync('ssh-keygen', ['-y', '-f', path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return line.trim().split(' ').slice(0, 2).join(' ')
  } catch {
    return null
  }
}

/** The secret itself: of a private key the number that makes it one, of others all octets. */
export function secretOf(path: string): Uint8Array {
  const { type, octets } = readKeyFile(readFileSync(path))
  if (type !== 'private') return octets
  const { d } = createPrivateKey({ key: Buffer.from(octets), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
  return d === undefined ? octets : Buffer.from(d, 'base64url')
}
