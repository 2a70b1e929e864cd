import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { EpochSeconds } from '@keyferry/protocol'
import type { TlsConfig } from '../config/serve-config.ts'
import { SetupError } from '../setup-error.ts'
import { openLocalCa } from './local-ca.ts'
import { serverNames } from './names.ts'
import { openServerCertificate, RENEW_BEFORE_SECONDS } from './server-certificate.ts'

/** What node:https and node:http2 take, and what to tell people. */
export interface ServerTls {
  readonly cert: Buffer
  readonly key: Buffer
  /** PEM file that clients have to trust, if this server is its own CA. */
  readonly caFile: string | null
  /** When to call again and hand the result to `setSecureContext`; null for files, which their owner renews. */
  readonly renewAt: EpochSeconds | null
}

export interface TlsPlace {
  /** Folder for CA and certificate (0700). */
  readonly folder: string
  readonly origin: string
}

/**
 * Certificate and key for this server; `null` where a proxy does TLS.
 * @throws {SetupError} `tls-files-unusable`, `tls-ca-unusable`, `permissions-too-open`
 */
export async function openServerTls(tls: TlsConfig, place: TlsPlace, now: EpochSeconds): Promise<ServerTls | null> {
  switch (tls.by) {
    case 'proxy':
      return null
    case 'files':
      return readFiles(tls.cert, tls.key)
    case 'own-ca':
      return byOwnCa(place, now)
  }
}

async function byOwnCa({ folder, origin }: TlsPlace, now: EpochSeconds): Promise<ServerTls> {
  const names = serverNames(origin)
  const ca = await openLocalCa(folder, names, now, 2 * RENEW_BEFORE_SECONDS)
  const { cert, key, notAfter } = await openServerCertificate(folder, ca, names, now)
  return { cert, key, caFile: ca.caFile, renewAt: notAfter - RENEW_BEFORE_SECONDS }
}

function readFiles(certFile: string, keyFile: string): ServerTls {
  try {
    const cert = readFileSync(certFile)
    const key = readFileSync(keyFile)
    // Fails if either is no PEM or they do not belong together: better now than at the first client.
    createSecureContext({ cert, key })
    return { cert, key, caFile: null, renewAt: null }
  } catch (error) {
    throw new SetupError('tls-files-unusable', `look at ${certFile} and ${keyFile}: PEM, and they belong together`, {
      cause: error,
    })
  }
}
