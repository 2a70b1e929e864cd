import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../console/cli-error.ts'
import { serverFolder } from '../folders.ts'
import type { Invocation } from '../invocation.ts'

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export function isOfThisMachine(origin: string): boolean {
  return LOCAL_HOSTS.has(new URL(origin).hostname)
}

/**
 * The CA of the server's TLS certificate as PEM; null: one of the system's.
 * For a server of this very machine and user its own CA is found by itself: who could change that file could change this program.
 * @param given - `--tls-ca`
 */
export function findTlsCa({ system, output }: Invocation, origin: string, given: string | undefined): string | null {
  if (given !== undefined) return readPem(given)
  if (!isOfThisMachine(origin)) return null
  const own = join(serverFolder(undefined, system.env, system.home), 'tls', 'ca.pem')
  if (!existsSync(own)) return null
  output.detail(`TLS: the CA of the server on this machine (${own})`)
  return readPem(own)
}

function readPem(path: string): string {
  const pem = readFileSync(path, 'utf8')
  if (!pem.includes('PRIVATE KEY') && isCertificate(pem)) return pem
  throw new CliError('wrong-use', `${path} is no certificate (PEM)`, {
    hint: 'the server’s is tls/ca.pem in its data folder',
  })
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
