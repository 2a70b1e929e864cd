import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { DeviceError, isEncryptedKeyFile, MAX_KEY_FILE_OCTETS, readKeyFile } from '@keyferry/device'

export interface DemoOptions {
  readonly once: boolean
  /** A key of one's own to ferry; null: one is made. */
  readonly key: string | null
}

export const USAGE = `npm run demo [-- --once] [-- --key FILE]
  --once      end when the story is told
  --key FILE  ferry a copy of this key, which has no passphrase`

/** How the demo was called wrongly, in words. */
export class DemoMisuse extends Error {
  override readonly name = 'DemoMisuse'
}

/**
 * @returns null if only help was asked for.
 * @throws {DemoMisuse} before anything is started: also for a key that could not be ferried.
 */
export function readOptions(argv: readonly string[]): DemoOptions | null {
  const values = parse(argv)
  if (values.help === true) return null
  if (values.key !== undefined) requireKey(values.key)
  return { once: values.once === true, key: values.key ?? null }
}

function parse(argv: readonly string[]): { once?: boolean; key?: string; help?: boolean } {
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      options: { once: flag, help: { ...flag, short: 'h' }, key: { type: 'string' } },
    }).values
  } catch (error) {
    throw new DemoMisuse(error instanceof Error ? error.message : 'wrong use', { cause: error })
  }
}

function requireKey(path: string): void {
  const content = readSmallFile(path)
  try {
    if (isEncryptedKeyFile(content)) throw new DemoMisuse(`${path} has a passphrase: the demo asks for none`)
    readKeyFile(content).octets.fill(0)
  } catch (cause) {
    if (cause instanceof DeviceError) throw new DemoMisuse(`${path}: ${cause.message}`, { cause })
    throw cause
  } finally {
    content.fill(0)
  }
}

function readSmallFile(path: string): Buffer {
  let file: number | null = null
  try {
    file = openSync(path, 'r')
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size > MAX_KEY_FILE_OCTETS) throw new DemoMisuse(`${path} is no key file`)
    return readFileSync(file)
  } catch (cause) {
    if (cause instanceof DemoMisuse) throw cause
    throw new DemoMisuse(`${path} cannot be read: is it there, and yours?`, { cause })
  } finally {
    if (file !== null) closeSync(file)
  }
}
