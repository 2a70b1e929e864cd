import { verifySignature } from '#platform'
import type { Signer } from '../jose/signer.ts'
import { concatOctets, utf8 } from '../json/base64url.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { type SignedNote, signatureLine, signaturesBy } from './note.ts'
import type { Vkey } from './vkey.ts'

/** C2SP tlog-cosignature, cosignature/v1: what a witness signs at `time`. */
function cosignedMessage(time: EpochSeconds, text: string): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`)
}

/** Cosigns the text of a checkpoint; the line is appended to the note. */
export async function cosignatureLine(text: string, vkey: Vkey, signer: Signer, time: EpochSeconds): Promise<string> {
  const octets = new Uint8Array(8)
  new DataView(octets.buffer).setBigUint64(0, BigInt(time))
  return signatureLine(vkey, concatOctets(octets, await signer.sign(cosignedMessage(time, text))))
}

/**
 * When this witness cosigned the note, at last.
 * @returns `absent` if no line is said to be by it; `wrong` if one of those does not verify.
 */
export async function verifyCosignature(note: SignedNote, vkey: Vkey): Promise<EpochSeconds | 'absent' | 'wrong'> {
  if (vkey.use !== 'witness') return 'absent'
  let latest: EpochSeconds | 'absent' = 'absent'
  for (const { octets } of signaturesBy(note, vkey)) {
    if (octets.length !== 8 + 64) return 'wrong'
    const time = Number(new DataView(octets.buffer, octets.byteOffset).getBigUint64(0))
    if (!Number.isSafeInteger(time)) return 'wrong'
    if (!(await verifySignature(vkey.jwk, octets.slice(8), cosignedMessage(time, note.text)))) return 'wrong'
    latest = latest === 'absent' ? time : Math.max(latest, time)
  }
  return latest
}
