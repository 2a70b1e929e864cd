import { DeviceError } from '../../errors.ts'
import { integer } from './columns.ts'
import type { Database } from './database.ts'

/**
 * Each step is run once, in order; `user_version` counts them. Steps only add: an older agent may still be running on the file
 * while a newer command line opens it. `body` = JSON.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE document (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE server_key (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pin (user TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE seen_user (user TEXT PRIMARY KEY, body TEXT NOT NULL, set_text TEXT) STRICT;
  CREATE TABLE seen_device (device TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE accepted_name (
    ca TEXT NOT NULL, username TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (ca, username)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE key_record (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, created_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE consent (key TEXT NOT NULL, "to" TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (key, "to")) STRICT, WITHOUT ROWID;
  CREATE TABLE own_statement (
    typ TEXT NOT NULL, seq INTEGER NOT NULL, ref TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL,
    PRIMARY KEY (typ, seq)
  ) STRICT;

  CREATE TABLE started (
    idempotency_key TEXT PRIMARY KEY, tr TEXT UNIQUE, at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE made_order (
    dl TEXT NOT NULL, attempt INTEGER NOT NULL, ref TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL,
    PRIMARY KEY (dl, attempt)
  ) STRICT;
  CREATE TABLE envelope (
    dl TEXT NOT NULL, attempt INTEGER NOT NULL, ref TEXT NOT NULL, octets BLOB NOT NULL, grant_ref TEXT, at INTEGER NOT NULL,
    done INTEGER NOT NULL, PRIMARY KEY (dl, attempt)
  ) STRICT;
  CREATE INDEX envelope_grant ON envelope (grant_ref, at) WHERE grant_ref IS NOT NULL;
  CREATE TABLE receipt (
    dl TEXT NOT NULL, attempt INTEGER NOT NULL, due_at INTEGER, ref TEXT, text TEXT, PRIMARY KEY (dl, attempt)
  ) STRICT;
  CREATE TABLE replay (
    dl TEXT NOT NULL, attempt INTEGER NOT NULL, envelope TEXT, kind TEXT NOT NULL, outcome TEXT NOT NULL, keep_until INTEGER,
    done INTEGER NOT NULL, PRIMARY KEY (dl, attempt)
  ) STRICT;
  CREATE TABLE generation (key TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE question (
    dl TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL, facts TEXT NOT NULL, asked_at INTEGER NOT NULL,
    until INTEGER NOT NULL, decision TEXT, PRIMARY KEY (dl, attempt, kind)
  ) STRICT;

  CREATE TABLE refusal (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE alarm (
    id INTEGER PRIMARY KEY, reason TEXT NOT NULL, subject TEXT NOT NULL, facts TEXT NOT NULL, at INTEGER NOT NULL,
    acknowledged_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX alarm_open ON alarm (reason, subject) WHERE acknowledged_at IS NULL;
  CREATE TABLE unwrap_failure (owner TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;

  CREATE TABLE signing_key (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, role TEXT NOT NULL, jwk TEXT NOT NULL, sealed BLOB NOT NULL
  ) STRICT;
  CREATE TABLE transport_key (kid TEXT PRIMARY KEY, exp INTEGER NOT NULL, body TEXT NOT NULL, sealed BLOB NOT NULL) STRICT;
  CREATE TABLE key_octets (
    key TEXT NOT NULL, generation INTEGER NOT NULL, type TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (key, generation)
  ) STRICT;
  `,
]

/**
 * Brings a file to this program's schema; several processes may try at once.
 * @throws {DeviceError} `profile-newer`
 */
export function migrate(database: Database, exec: (sql: string) => void): void {
  const version = (): number => integer(database.get('PRAGMA user_version') ?? {}, 'user_version')
  if (version() === STEPS.length) return
  database.transaction(() => {
    const done = version()
    if (done > STEPS.length) throw new DeviceError('profile-newer', 'update this program on this machine')
    for (const step of STEPS.slice(done)) exec(step)
    exec(`PRAGMA user_version = ${STEPS.length}`)
  })
}
