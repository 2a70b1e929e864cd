import { equalJson, KeyferryError, type Ref } from '@keyferry/protocol'
import { DeviceError } from '../../errors.ts'
import type { AcceptedName, Pin, SeenCheckpoint, SeenDevice, SeenUser, TrustState } from '../../trust/trust-state.ts'
import type { IdentityStore } from '../identity.ts'
import type { PinStore } from '../pins.ts'
import type { Seen, SeenStore } from '../seen.ts'
import type { AnchorStore } from '../trust.ts'
import { body, textOrNull } from './columns.ts'
import type { Database } from './database.ts'
import { findDocument, putDocument } from './documents.ts'

export interface SeenSources {
  readonly identity: IdentityStore
  readonly anchors: AnchorStore
  readonly pins: PinStore
}

export function seenStore(database: Database, sources: SeenSources): SeenStore {
  const state = (): TrustState => database.snapshot(() => readState(database, sources))
  return {
    state,
    commit(basis, learned, texts = new Map()) {
      database.transaction(() => {
        const now = readState(database, sources)
        refuseStale(basis, now, learned)
        for (const user of learned.users) {
          refuseRollback('set-rollback', now.seenUser(user.user), user)
          refuseLostHandover(now.seenUser(user.user), user)
          putUser(database, user, texts.get(user.ref) ?? null)
        }
        for (const device of learned.devices) {
          refuseRollback('statement-rollback', now.seenDevice(device.device), device)
          putDevice(database, device)
        }
        for (const name of learned.names) putName(database, name)
        for (const pin of learned.pins) sources.pins.put(pin)
        // The anchors first: a new log ends the old checkpoint, and this one is of the new log.
        if (learned.trust !== null) sources.anchors.put(learned.trust)
        if (learned.checkpoint !== null) putDocument(database, 'checkpoint', learned.checkpoint)
      })
    },
    setText(user) {
      const row = database.get('SELECT set_text FROM seen_user WHERE user = ?', user)
      return row === null ? null : textOrNull(row, 'set_text')
    },
  }
}

/** Copies: checks wait for the network, and what they read must be of one moment. */
function readState(database: Database, { identity, anchors, pins }: SeenSources): TrustState {
  const me = identity.find()
  const trust = anchors.find()
  if (me === null || trust === null) throw new DeviceError('profile-absent', 'join first: keyferry init, keyferry join')
  const list = <T>(table: string): T[] => database.all(`SELECT body FROM ${table}`).map((row) => body<T>(row))
  const allPins = pins.list()
  const byUser = new Map<string, Pin>(allPins.map((pin) => [pin.user, pin]))
  const byName = new Map<string, Pin>(allPins.map((pin) => [pin.username, pin]))
  const users = new Map<string, SeenUser>(list<SeenUser>('seen_user').map((seen) => [seen.user, seen]))
  const devices = new Map<string, SeenDevice>(list<SeenDevice>('seen_device').map((seen) => [seen.device, seen]))
  const names = new Map<string, AcceptedName>(list<AcceptedName>('accepted_name').map((name) => [nameKey(name), name]))
  return {
    origin: me.origin,
    device: me.device,
    user: me.user,
    username: me.username,
    trust,
    checkpoint: findDocument<SeenCheckpoint>(database, 'checkpoint'),
    pin: (user) => byUser.get(user) ?? null,
    pinNamed: (username) => byName.get(username) ?? null,
    seenUser: (user) => users.get(user) ?? null,
    seenDevice: (device) => devices.get(device) ?? null,
    acceptedName: (ca, username) => names.get(nameKey({ ca, username })) ?? null,
  }
}

/** Names hold no line feed. */
function nameKey({ ca, username }: Pick<AcceptedName, 'ca' | 'username'>): string {
  return `${ca}\n${username}`
}

/** What `learned` replaces must still be what the check compared it with, or be what it learned already. */
function refuseStale(basis: TrustState, now: TrustState, learned: Seen): void {
  const steps: Step[] = [
    ...(learned.checkpoint === null ? [] : [checkpointStep(basis, now, learned.checkpoint)]),
    [basis.trust, now.trust, learned.trust ?? basis.trust],
    ...learned.users.map((seen): Step => [basis.seenUser(seen.user), now.seenUser(seen.user), seen]),
    ...learned.devices.map((seen): Step => [basis.seenDevice(seen.device), now.seenDevice(seen.device), seen]),
    ...learned.names.map((name): Step => [acceptedName(basis, name), acceptedName(now, name), name]),
    ...learned.pins.map((pin): Step => [basis.pin(pin.user), now.pin(pin.user), pin]),
    ...learned.pins.map((pin): Step => [basis.pinNamed(pin.username), now.pinNamed(pin.username), pin]),
  ]
  if (steps.every(([before, current, after]) => equalJson(current, before) || equalJson(current, after))) return
  throw new KeyferryError('state-conflict', 'another process has seen more meanwhile: check again')
}

/** An entry as the check saw it, as it is now, as it shall be. */
type Step = [before: unknown, current: unknown, after: unknown]

function acceptedName(state: TrustState, { ca, username }: AcceptedName): AcceptedName | null {
  return state.acceptedName(ca, username)
}

function checkpointStep(basis: TrustState, now: TrustState, learned: SeenCheckpoint): Step {
  return [mark(basis.checkpoint), mark(now.checkpoint), mark(learned)]
}

/** Cosignatures may be more or fewer: size and root are the checkpoint. */
function mark(checkpoint: SeenCheckpoint | null): object | null {
  return checkpoint === null ? null : { size: checkpoint.size, root: checkpoint.root }
}

/** Nothing that was seen is ever lowered, whatever a check says. */
function refuseRollback(
  code: 'set-rollback' | 'statement-rollback',
  before: { readonly seq: number; readonly ref: Ref } | null,
  after: { readonly seq: number; readonly ref: Ref },
): void {
  if (before === null || after.seq > before.seq || (after.seq === before.seq && after.ref === before.ref)) return
  throw new KeyferryError(code, 'a newer one was seen before')
}

/** Hand-over sets seen stay the first ones, in order, and no root comes without a new one (PROTOCOL 2.2). */
function refuseLostHandover(before: SeenUser | null, after: SeenUser): void {
  if (before === null) return
  const lost = before.handovers.some((ref, i) => after.handovers[i] !== ref)
  const unannounced = after.root !== before.root && after.handovers.length === before.handovers.length
  if (lost || unannounced) throw new KeyferryError('set-rollback', 'a hand-over of the root is missing')
}

function putUser(database: Database, seen: SeenUser, setText: string | null): void {
  // The same set again keeps the text it came with.
  database.run(
    `INSERT INTO seen_user (user, body, set_text) VALUES (?1, ?2, ?3)
     ON CONFLICT (user) DO UPDATE SET body = ?2,
       set_text = CASE WHEN ?3 IS NULL AND body ->> 'ref' = ?4 THEN set_text ELSE ?3 END`,
    seen.user,
    JSON.stringify(seen),
    setText,
    seen.ref,
  )
}

function putDevice(database: Database, seen: SeenDevice): void {
  database.run('INSERT OR REPLACE INTO seen_device (device, body) VALUES (?, ?)', seen.device, JSON.stringify(seen))
}

function putName(database: Database, name: AcceptedName): void {
  const sql = 'INSERT OR REPLACE INTO accepted_name (ca, username, body) VALUES (?, ?, ?)'
  database.run(sql, name.ca, name.username, JSON.stringify(name))
}
