import { DeviceError } from '../errors.ts'

/** Files of age identities (age-keygen): `#` comments, empty lines, and the identity on a line of its own. */
const IDENTITY = 'AGE-SECRET-KEY-'
const LINE_END = 0x0a

export function isAgeFile(file: Uint8Array): boolean {
  return lines(file).some((line) => startsWith(line, IDENTITY))
}

/** A file that age itself encrypted, with a passphrase as a rule. */
export function isEncryptedByAge(file: Uint8Array): boolean {
  return startsWith(file, 'age-encryption.org/v1') || startsWith(file, '-----BEGIN AGE ENCRYPTED FILE-----')
}

/**
 * The one identity of a file as key octets of type `age` (PROTOCOL 8): its line without line end, in a fresh buffer.
 * @throws {DeviceError} `key-format-unknown` if there are several, or anything else but comments.
 */
export function readAgeFile(file: Uint8Array): Uint8Array {
  const [identity, ...more] = lines(file).filter((line) => line.length > 0 && !startsWith(line, '#'))
  if (identity === undefined || more.length > 0 || !startsWith(identity, IDENTITY)) {
    throw new DeviceError('key-format-unknown', 'one age identity a file, please')
  }
  return identity.slice()
}

/** The caller erases the result. */
export function writeAgeFile(identity: Uint8Array): Uint8Array {
  const file = new Uint8Array(identity.length + 1)
  file.set(identity)
  file[identity.length] = LINE_END
  return file
}

/** Views, so that nothing of the secret is copied. Spaces around a line do not count. */
function lines(file: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let from = 0; from <= file.length; ) {
    const at = file.indexOf(LINE_END, from)
    const to = at < 0 ? file.length : at
    found.push(trimSpaces(file.subarray(from, to)))
    from = to + 1
  }
  return found
}

function trimSpaces(line: Uint8Array): Uint8Array {
  let from = 0
  let to = line.length
  while (from < to && isSpace(line[from])) from++
  while (to > from && isSpace(line[to - 1])) to--
  return line.subarray(from, to)
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09 || octet === 0x0d
}

function startsWith(octets: Uint8Array, text: string): boolean {
  return text.length <= octets.length && [...text].every((letter, i) => letter.charCodeAt(0) === octets[i])
}
