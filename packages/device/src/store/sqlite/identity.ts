import { KeyferryError } from '@keyferry/protocol'
import type { Identity, IdentityStore } from '../identity.ts'
import type { Database } from './database.ts'
import { findDocument, putDocument } from './documents.ts'

export function identityStore(database: Database): IdentityStore {
  const find = (): Identity | null => findDocument(database, 'identity')
  return {
    find,
    put(identity) {
      database.transaction(() => {
        const before = find()
        const same = (['origin', 'user', 'device'] as const).every((name) => before?.[name] === identity[name])
        if (before !== null && !same)
          throw new KeyferryError('state-conflict', 'this profile belongs to another device')
        putDocument(database, 'identity', identity)
      })
    },
  }
}
