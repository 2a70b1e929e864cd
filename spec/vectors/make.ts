/**
 * Writes the vectors beside this file: `node spec/vectors/make.ts`. With `--check` it writes nothing, but verifies each file with
 * the package, then that it would write the same octets again; exits 1 at the first difference.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { blob } from './blob.ts'
import { delivery } from './delivery.ts'
import { derivations } from './derivations.ts'
import { http } from './http.ts'
import { log } from './log.ts'
import { pairing } from './pairing.ts'
import { refused } from './refused.ts'
import { statements } from './statements.ts'
import type { VectorFile } from './vector-file.ts'

async function write<T>(file: VectorFile<T>): Promise<void> {
  const text = textOf(await file.make())
  await file.check(JSON.parse(text))
  writeFileSync(urlOf(file), text)
}

async function check<T>(file: VectorFile<T>): Promise<void> {
  const text = readFileSync(urlOf(file), 'utf8')
  await file.check(JSON.parse(text))
  if (text !== textOf(await file.make())) throw new Error('the file is not what would be written')
}

function urlOf(file: VectorFile<unknown>): URL {
  return new URL(`${file.name}.json`, import.meta.url)
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

async function run<T>(file: VectorFile<T>): Promise<void> {
  const step = process.argv.includes('--check') ? check : write
  try {
    await step(file)
    console.log(`vectors: ${file.name}.json`)
  } catch (error) {
    console.error(`vectors: ${file.name}.json: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}

await run(derivations)
await run(statements)
await run(refused)
await run(delivery)
await run(blob)
await run(pairing)
await run(http)
await run(log)
