import { KeyferryError } from '@keyferry/protocol'
import type { Pin } from '../../trust/trust-state.ts'
import type { PinStore } from '../pins.ts'
import { body } from './columns.ts'
import type { Database, Row } from './database.ts'

export function pinStore(database: Database): PinStore {
  const read = (row: Row | null): Pin | null => (row === null ? null : body<Pin>(row))
  const find = (user: string): Pin | null => read(database.get('SELECT body FROM pin WHERE user = ?', user))
  const named = (username: string): Pin | null =>
    read(database.get('SELECT body FROM pin WHERE username = ?', username))
  return {
    find,
    named,
    list: () => database.all('SELECT body FROM pin ORDER BY username').map((row) => body<Pin>(row)),
    put(pin) {
      database.transaction(() => {
        const sameName = named(pin.username)
        if (sameName !== null && sameName.user !== pin.user) {
          throw new KeyferryError('pin-conflict', 'this name is pinned to another root')
        }
        if (pin.how === 'tofu' && find(pin.user)?.how === 'pinned') return
        const sql = 'INSERT OR REPLACE INTO pin (user, username, body) VALUES (?, ?, ?)'
        database.run(sql, pin.user, pin.username, JSON.stringify(pin))
      })
    },
    remove(user) {
      database.run('DELETE FROM pin WHERE user = ?', user)
    },
  }
}
