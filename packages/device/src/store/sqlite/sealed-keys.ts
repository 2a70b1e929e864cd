import type { KeyId, KeyType, PublicSigningJwk, Thumbprint } from '@keyferry/protocol'
import type { SealedKeyOctets, SealedKeyStore, SealedSigningKey, SealedTransportKey } from '../sealed-keys.ts'
import { blob, body, integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

type Room<Names extends keyof SealedKeyStore> = Pick<SealedKeyStore, Names>

export function sealedKeyStore(database: Database): SealedKeyStore {
  return { ...signingKeys(database), ...transportKeys(database), ...keyOctets(database) }
}

function signingKeys(database: Database): Room<'signingKey' | 'signingKeyById' | 'putSigningKey' | 'removeSigningKey'> {
  return {
    signingKey: (role) =>
      signingFromRow(database.get('SELECT * FROM signing_key WHERE role = ? ORDER BY number DESC LIMIT 1', role)),
    signingKeyById: (id) => signingFromRow(database.get('SELECT * FROM signing_key WHERE id = ?', id)),
    putSigningKey({ id, role, jwk, sealed }) {
      const sql = `INSERT INTO signing_key (id, number, role, jwk, sealed)
        VALUES (?1, (SELECT 1 + ifnull(max(number), 0) FROM signing_key), ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET sealed = ?4`
      database.run(sql, id, role, JSON.stringify(jwk), sealed)
    },
    removeSigningKey(id) {
      if (database.run('DELETE FROM signing_key WHERE id = ?', id) > 0) database.erased()
    },
  }
}

function transportKeys(
  database: Database,
): Room<'transportKey' | 'transportKeys' | 'putTransportKey' | 'removeTransportKey'> {
  return {
    transportKey(kid) {
      const row = database.get('SELECT * FROM transport_key WHERE kid = ?', kid)
      return row === null ? null : transportFromRow(row)
    },
    transportKeys: () => database.all('SELECT * FROM transport_key ORDER BY exp, rowid').map(transportFromRow),
    putTransportKey({ sealed, ...facts }) {
      const sql = `INSERT INTO transport_key (kid, exp, body, sealed) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (kid) DO UPDATE SET exp = ?2, body = ?3, sealed = ?4`
      database.run(sql, facts.kid, facts.exp, JSON.stringify(facts), sealed)
    },
    removeTransportKey(kid) {
      if (database.run('DELETE FROM transport_key WHERE kid = ?', kid) > 0) database.erased()
    },
  }
}

function keyOctets(database: Database): Room<'keyOctets' | 'allKeyOctets' | 'putKeyOctets' | 'removeKeyOctets'> {
  return {
    keyOctets(key, generation) {
      const row = database.get('SELECT * FROM key_octets WHERE key = ? AND generation = ?', key, generation)
      return row === null ? null : octetsFromRow(row)
    },
    allKeyOctets: (key) =>
      database.all('SELECT * FROM key_octets WHERE key = ? ORDER BY generation', key).map(octetsFromRow),
    putKeyOctets({ key, generation, type, sealed }) {
      const sql = `INSERT INTO key_octets (key, generation, type, sealed) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (key, generation) DO UPDATE SET type = ?3, sealed = ?4`
      database.run(sql, key, generation, type, sealed)
    },
    removeKeyOctets(key, generation) {
      const sql = 'DELETE FROM key_octets WHERE key = ? AND generation = ?'
      if (database.run(sql, key, generation) > 0) database.erased()
    },
  }
}

function signingFromRow(row: Row | null): SealedSigningKey | null {
  if (row === null) return null
  return {
    role: text(row, 'role') as SealedSigningKey['role'],
    id: text(row, 'id') as Thumbprint,
    jwk: JSON.parse(text(row, 'jwk')) as PublicSigningJwk,
    sealed: blob(row, 'sealed'),
  }
}

function transportFromRow(row: Row): SealedTransportKey {
  return { ...body<Omit<SealedTransportKey, 'sealed'>>(row), sealed: blob(row, 'sealed') }
}

function octetsFromRow(row: Row): SealedKeyOctets {
  return {
    key: text(row, 'key') as KeyId,
    generation: integer(row, 'generation'),
    type: text(row, 'type') as KeyType,
    sealed: blob(row, 'sealed'),
  }
}
