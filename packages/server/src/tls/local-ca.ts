// The DI container of @peculiar/x509 needs this first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfThere } from '@keyferry/files'
import type { EpochSeconds } from '@keyferry/protocol'
import * as x509 from '@peculiar/x509'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { requirePrivate } from '../files/private-place.ts'
import { SetupError } from '../setup-error.ts'
import { nameConstraints, type ServerNames } from './names.ts'

export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_SECONDS = 86_400
const CA_DAYS = 3650
const NAME_CONSTRAINTS = '2.5.29.30'

/** A CA of one server, for that server's names only. */
export interface LocalCa {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
  /** What clients have to trust: PEM. */
  readonly caFile: string
}

/**
 * Opens the CA of a folder (`ca.pem`, `ca-key.p8`, both 0600), or makes it: ECDSA on P-256, for ten years.
 * An existing one is never replaced: people trust it.
 *
 * @throws {SetupError} `tls-ca-unusable` when it is for other names, its key is gone, or it ends within `needed` seconds.
 */
export async function openLocalCa(
  folder: string,
  names: ServerNames,
  now: EpochSeconds,
  needed: number,
): Promise<LocalCa> {
  const caFile = join(folder, 'ca.pem')
  const found = readFileIfThere(caFile)
  const keyFile = join(folder, 'ca-key.p8')
  if (found === null) return makeCa({ caFile, keyFile, names, now })
  const unusable = new SetupError(
    'tls-ca-unusable',
    `move ${folder} away: the next start makes another CA, and everybody who trusts this one has to trust that`,
  )
  const octets = readFileIfThere(keyFile)
  if (octets === null) throw unusable
  requirePrivate(keyFile)
  const certificate = readCertificate(found)
  const constraints = certificate?.getExtension(NAME_CONSTRAINTS)
  const fits =
    constraints != null &&
    Buffer.from(constraints.value).equals(nameConstraints(names)) &&
    certificate !== null &&
    certificate.notAfter.getTime() / 1000 - now > needed
  if (!fits) throw unusable
  try {
    const key = await webcrypto.subtle.importKey('pkcs8', octets, P256, false, ['sign'])
    return { certificate, key, caFile }
  } catch (error) {
    throw new SetupError('tls-ca-unusable', unusable.hint, { cause: error })
  } finally {
    octets.fill(0)
  }
}

interface NewCa {
  readonly caFile: string
  readonly keyFile: string
  readonly names: ServerNames
  readonly now: EpochSeconds
}

async function makeCa({ caFile, keyFile, names, now }: NewCa): Promise<LocalCa> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Keyferry CA of ${names.dns.at(-1)}`] }],
    keys,
    signingAlgorithm: P256,
    notBefore: new Date((now - DAY_SECONDS) * 1000),
    notAfter: new Date((now + CA_DAYS * DAY_SECONDS) * 1000),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.Extension(NAME_CONSTRAINTS, true, new Uint8Array(nameConstraints(names))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const octets = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  // A key that was left without its certificate when the power failed has certified nothing that anybody trusts.
  writeFileAtomically(keyFile, octets, 'replace')
  octets.fill(0)
  writeFileAtomically(caFile, Buffer.from(certificate.toString('pem')), 'fail')
  return { certificate, key: keys.privateKey, caFile }
}

/** Null for what is no certificate. */
export function readCertificate(pem: Uint8Array): x509.X509Certificate | null {
  try {
    return new x509.X509Certificate(Buffer.from(pem).toString('latin1'))
  } catch {
    return null
  }
}
