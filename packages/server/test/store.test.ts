import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { memoryStore } from '../src/store/memory/memory-store.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { storeContract } from './store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyferry-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

storeContract('the store in memory', async () => memoryStore())
storeContract('the store on SQLite', () => openSqliteStore(join(folder, `${files++}.db`)))
