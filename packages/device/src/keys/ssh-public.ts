import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { join } from './octets.ts'
import { sshNumber, sshString, sshText } from './ssh-wire.ts'

/** Curves of RFC 5656 by their JWK name: `nistp256` in SSH, width of a coordinate in octets. */
export const SSH_CURVES = {
  'P-256': { ssh: 'nistp256', width: 32 },
  'P-384': { ssh: 'nistp384', width: 48 },
  'P-521': { ssh: 'nistp521', width: 66 },
} as const
export type SshCurve = keyof typeof SSH_CURVES

export interface SshPublicKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` ... */
  readonly algorithm: string
  /** The public key blob (RFC 4253, Section 6.6). */
  readonly blob: Uint8Array
  /** As `ssh-keygen -l` counts. */
  readonly bits: number
}

/** The SSH form of the public half of a private key; `null` for kinds that SSH does not know. */
export function sshPublicKey(privateKey: KeyObject): SshPublicKey | null {
  const key = createPublicKey(privateKey)
  // Kinds that SSH does not know may not even have a JWK.
  const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType
  if (kind === undefined || !KINDS.has(kind)) return null
  const jwk = key.export({ format: 'jwk' })
  const number = (name: 'x' | 'y' | 'n' | 'e'): Uint8Array => Buffer.from(jwk[name] ?? '', 'base64url')
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    return { algorithm: 'ssh-ed25519', blob: join(sshText('ssh-ed25519'), sshString(number('x'))), bits: 256 }
  }
  if (jwk.kty === 'RSA') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return {
      algorithm: 'ssh-rsa',
      blob: join(sshText('ssh-rsa'), sshNumber(number('e')), sshNumber(number('n'))),
      bits,
    }
  }
  if (jwk.kty === 'EC' && isSshCurve(jwk.crv)) {
    const { ssh } = SSH_CURVES[jwk.crv]
    const algorithm = `ecdsa-sha2-${ssh}`
    const point = join(new Uint8Array([4]), number('x'), number('y'))
    return { algorithm, blob: join(sshText(algorithm), sshText(ssh), sshString(point)), bits: Number(ssh.slice(5)) }
  }
  return null
}

const KINDS: ReadonlySet<string> = new Set(['ed25519', 'rsa', 'prime256v1', 'secp384r1', 'secp521r1'])

function isSshCurve(name: unknown): name is SshCurve {
  return typeof name === 'string' && Object.hasOwn(SSH_CURVES, name)
}

/** One line of an `authorized_keys` or `.pub` file, without a line end. */
export function sshPublicLine(key: SshPublicKey, comment = ''): string {
  return [key.algorithm, Buffer.from(key.blob).toString('base64'), comment].filter((part) => part !== '').join(' ')
}

/** `SHA256:` and 43 characters, as `ssh-keygen -l` shows. */
export function sshFingerprint(key: SshPublicKey): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`
}
