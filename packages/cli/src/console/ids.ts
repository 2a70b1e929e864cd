/** `tr_2ck0…`: enough to tell apart what one person has; every command takes as many digits as are unambiguous. */
export function shortId(id: string): string {
  const key = /^([^/]{4})[^/]*\/(.{4})/.exec(id)
  if (key !== null) return `${key[1]}…/${key[2]}`
  return id.length > 8 ? `${id.slice(0, id.startsWith(`${id.slice(0, 2)}_`) ? 7 : 4)}…` : id
}

/** The same as it can be typed. */
export function typeableId(id: string): string {
  return shortId(id).replace('…', '')
}

/**
 * What people compare: the octets of a thumbprint as hexadecimal digits in groups of four.
 * @param digits - how many; 64 are all.
 */
export function fingerprint(thumbprint: string, digits = 64): string {
  const hex = Buffer.from(thumbprint, 'base64url').toString('hex').slice(0, digits)
  return hex.replace(/.{4}(?=.)/g, '$& ')
}

/** Of a device: 16 digits are shown, as many as two people read to each other without growing careless. */
export function deviceFingerprint(thumbprint: string): string {
  return fingerprint(thumbprint, 16)
}
