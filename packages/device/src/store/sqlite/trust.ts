import type { Thumbprint, Trust } from '@keyferry/protocol'
import { DEFAULT_RULES, type LocalRules } from '../../trust/trust-state.ts'
import type { AnchorStore, RuleStore, ServerKey, ServerKeyStore } from '../trust.ts'
import { body } from './columns.ts'
import type { Database } from './database.ts'
import { findDocument, putDocument, removeDocument } from './documents.ts'

export function anchorStore(database: Database): AnchorStore {
  const find = (): Trust | null => findDocument(database, 'anchors')
  return {
    find,
    put(trust) {
      database.transaction(() => {
        if (find()?.log !== trust.log) removeDocument(database, 'checkpoint')
        putDocument(database, 'anchors', trust)
      })
    },
  }
}

export function serverKeyStore(database: Database): ServerKeyStore {
  return {
    list: () => database.all('SELECT body FROM server_key ORDER BY id').map((row) => body<ServerKey>(row)),
    find(id: Thumbprint) {
      const row = database.get('SELECT body FROM server_key WHERE id = ?', id)
      return row === null ? null : body<ServerKey>(row)
    },
    put(key) {
      database.run('INSERT OR REPLACE INTO server_key (id, body) VALUES (?, ?)', key.id, JSON.stringify(key))
    },
    remove(id) {
      database.run('DELETE FROM server_key WHERE id = ?', id)
    },
  }
}

export function ruleStore(database: Database): RuleStore {
  const changed = (): Partial<LocalRules> => findDocument(database, 'rules') ?? {}
  return {
    find: () => ({ ...DEFAULT_RULES, ...changed() }),
    put(rules) {
      database.transaction(() => putDocument(database, 'rules', { ...changed(), ...rules }))
    },
  }
}
