import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { readFileIfThere } from '@keyferry/files'
import type { EpochSeconds } from '@keyferry/protocol'
import * as x509 from '@peculiar/x509'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { type LocalCa, P256 } from './local-ca.ts'
import type { ServerNames } from './names.ts'

const DAY_SECONDS = 86_400
const LIFE_SECONDS: number = 90 * DAY_SECONDS
/** Renewed while so much is left. */
export const RENEW_BEFORE_SECONDS: number = 30 * DAY_SECONDS

export interface ServerCertificate {
  /** PEM. */
  readonly cert: Buffer
  /** PKCS#8 as PEM. */
  readonly key: Buffer
  readonly notAfter: EpochSeconds
}

/**
 * The certificate of this server under its own CA (`server.pem`: key and certificate in one file, 0600): the one that is there
 * while it is good for 30 more days, else a new one of 90 days with a new key.
 */
export async function openServerCertificate(
  folder: string,
  ca: LocalCa,
  names: ServerNames,
  now: EpochSeconds,
): Promise<ServerCertificate> {
  const path = join(folder, 'server.pem')
  const found = readFileIfThere(path)
  const good = found === null ? null : goodUntil(found, ca, names)
  if (found !== null && good !== null && good - now > RENEW_BEFORE_SECONDS) {
    return { cert: found, key: found, notAfter: good }
  }
  const pem = await issue(ca, names, now)
  writeFileAtomically(path, pem, 'replace')
  return { cert: pem, key: pem, notAfter: now + LIFE_SECONDS }
}

/** The end of a certificate that this CA issued for these names, with its key beside it; null for any other. */
function goodUntil(pem: Buffer, ca: LocalCa, names: ServerNames): EpochSeconds | null {
  try {
    const certificate = new X509Certificate(pem)
    const issuer = new X509Certificate(ca.certificate.toString('pem'))
    const hosts = names.dns.every((name) => certificate.checkHost(name) !== undefined)
    const addresses = names.ip.every((address) => certificate.checkIP(address) !== undefined)
    const fits = certificate.verify(issuer.publicKey) && certificate.checkPrivateKey(createPrivateKey(pem))
    return hosts && addresses && fits ? Math.floor(certificate.validToDate.getTime() / 1000) : null
  } catch {
    return null
  }
}

async function issue(ca: LocalCa, names: ServerNames, now: EpochSeconds): Promise<Buffer> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [names.dns.at(-1) ?? 'localhost'] }],
    issuer: ca.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: ca.key,
    signingAlgorithm: P256,
    // An hour back, for clients whose clock is a little behind.
    notBefore: new Date((now - 3600) * 1000),
    notAfter: new Date((now + LIFE_SECONDS) * 1000),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map((value) => ({ type: 'dns', value }) as const),
        ...names.ip.map((value) => ({ type: 'ip', value }) as const),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const octets = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' })
  octets.fill(0)
  return Buffer.from(`${key}${certificate.toString('pem')}\n`)
}
