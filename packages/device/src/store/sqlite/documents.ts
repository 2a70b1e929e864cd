import { body } from './columns.ts'
import type { Database } from './database.ts'

/** Things of which a device has one. */
export type DocumentName = 'identity' | 'anchors' | 'rules' | 'checkpoint'

export function findDocument<T>(database: Database, name: DocumentName): T | null {
  const row = database.get('SELECT body FROM document WHERE name = ?', name)
  return row === null ? null : body<T>(row)
}

export function putDocument(database: Database, name: DocumentName, document: object): void {
  database.run('INSERT OR REPLACE INTO document (name, body) VALUES (?, ?)', name, JSON.stringify(document))
}

export function removeDocument(database: Database, name: DocumentName): void {
  database.run('DELETE FROM document WHERE name = ?', name)
}
