import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { MAX_KEY_FILE_OCTETS } from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import type { Invocation } from '../invocation.ts'

const KIB = 1024

/**
 * The content of a key file, or with `-` of standard input, never more than a key file can hold; the caller erases it.
 * @throws {CliError} `wrong-use` for what is no plain file, empty or too big; nothing endless is read and nothing waited for then.
 */
export async function readKeySource({ system }: Invocation, path: string): Promise<Buffer> {
  if (path !== '-') return readPlainFile(path)
  if (system.stdin.isTTY === true) {
    throw new CliError('wrong-use', 'a key is not typed: standard input is the terminal', {
      hint: 'give a file, or what another program prints: … | keyferry key add - --label NAME',
    })
  }
  return checked('standard input', await readUpTo(system.stdin, MAX_KEY_FILE_OCTETS + 1))
}

function readPlainFile(path: string): Buffer {
  // Without O_NONBLOCK the opening of a pipe waits for somebody to write into it.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) {
      throw new CliError('wrong-use', `${path} is ${stat.isDirectory() ? 'a folder' : 'no plain file'}`, {
        hint: stat.isDirectory() ? 'name the key file in it' : 'from a pipe: keyferry key add - --label NAME',
      })
    }
    const octets = Buffer.alloc(Math.min(stat.size, MAX_KEY_FILE_OCTETS + 1))
    return checked(path, octets.subarray(0, readSync(file, octets)))
  } finally {
    closeSync(file)
  }
}

async function readUpTo(stdin: NodeJS.ReadStream, most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk)
    parts.push(part)
    length += part.length
    if (length >= most) break
  }
  const all = Buffer.concat(parts)
  for (const part of parts) part.fill(0)
  return all
}

function checked(name: string, octets: Buffer): Buffer {
  if (octets.length > 0 && octets.length <= MAX_KEY_FILE_OCTETS) return octets
  octets.fill(0)
  const why = octets.length === 0 ? 'is empty' : 'is too big'
  throw new CliError('wrong-use', `${name} ${why}`, {
    hint: `a key file has 1 octet to ${MAX_KEY_FILE_OCTETS / KIB} KiB`,
  })
}
