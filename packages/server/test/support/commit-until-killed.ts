import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { aDeliveryRow, aTransferRow, idOf, octets, thumb } from './rows.ts'

// A process of its own for tests: commits units of work, 32 at a time, and says which ones were acknowledged, until it is killed
// or a commit fails. Arguments: file, octets of meta per unit.
const [path = '', size = '100'] = process.argv.slice(2)
const store = await openSqliteStore(path)
let next = 0

async function work(): Promise<void> {
  for (;;) {
    const name = String(next++)
    const { leafIndexes } = await store.commit([
      { kind: 'insert-transfer', row: aTransferRow(name) },
      { kind: 'insert-delivery', row: aDeliveryRow(name, name) },
      { kind: 'put-meta', name, value: Buffer.from(octets(name, Number(size))).toString('hex') },
      { kind: 'append-leaf', ref: thumb(name), text: `leaf ${name} ${idOf('dl', name)}` },
    ])
    writeSync(1, `${name} ${leafIndexes[0]}\n`)
  }
}

try {
  await Promise.all(Array.from({ length: 32 }, work))
} catch (error) {
  const { code, details } = error as { code: string; details: { retryAfter: number } }
  writeSync(1, `failed ${code} ${details.retryAfter}\n`)
  process.exit(0)
}
