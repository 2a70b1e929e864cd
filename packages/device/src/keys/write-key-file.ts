import type { KeyType } from '@keyferry/protocol'
import { writeAgeFile } from './age-file.ts'
import { writeOpenSsh } from './openssh.ts'
import { writePem } from './private-key.ts'

/** `auto` = what most programs that use such a key read: OpenSSH for what SSH knows, else PKCS#8 PEM; age; octets as they are. */
export type KeyFileFormat = 'auto' | 'pem' | 'octets'

/**
 * A key as the content of a file, in a fresh buffer that the caller erases.
 * @param octets - key octets that fit `type` (PROTOCOL 8).
 * @param comment - for formats that have one.
 */
export function writeKeyFile(type: KeyType, octets: Uint8Array, format: KeyFileFormat, comment: string): Uint8Array {
  if (format === 'octets') return octets.slice()
  if (type === 'age') return writeAgeFile(octets)
  if (type !== 'private') return octets.slice()
  return (format === 'auto' ? writeOpenSsh(octets, comment) : null) ?? writePem(octets)
}
