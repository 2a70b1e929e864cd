import {
  type DeviceSetPayload,
  deviceSetStatement,
  KeyferryError,
  type Ref,
  readStatement,
  type Statement,
  ThumbprintShape,
  utf8,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { Client } from '../client/client.ts'
import type { OpenDevice } from '../open-device.ts'
import type { DeviceStore } from '../store/device-store.ts'
import type { OwnStatement } from '../store/own-statements.ts'
import { seenOf } from '../trust/seen-set.ts'
import { firstWord, outdated, rootElsewhere, setInstead } from './outdated-root.ts'

export type SentParts = Pick<OpenDevice, 'store' | 'client' | 'now'>

/**
 * Sends what this device signed about itself or its user and the server may not have, in order.
 * @returns those that the server refused for good, each with what was to follow it: they ran out, or what they needed did.
 * @throws {KeyferryError} `set-rollback`, `statement-rollback` with an alarm: somebody else signed in this device's place
 */
export async function sendUnsentStatements(open: SentParts): Promise<readonly OwnStatement[]> {
  const { store, client } = open
  const refused: OwnStatement[] = []
  for (const own of store.ownStatements.unsent()) {
    if (refused.some(({ typ }) => typ === own.typ)) {
      refused.push(own)
      continue
    }
    try {
      await putStatement(client, own.ref, own.text)
      markSent(store, own)
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      if (error.code === 'statement-invalid') refused.push(own)
      else if (error.code === 'set-rollback') throw await afterLostRace(open, own, error)
      else throw alarmed(open, own, error)
    }
  }
  return refused
}

/** The server has it. What this device signed is seen: no server shows it an older set of its own user. */
export function markSent(store: DeviceStore, { typ, seq, ref, text }: OwnStatement): void {
  store.transaction(() => {
    store.ownStatements.markDone(typ, seq)
    if (typ !== 'kf-device-set+jwt') return
    const set = readStatement(deviceSetStatement, text)
    if (set.payload.next === undefined) noteOwnSet(store, set, ref)
  })
}

/**
 * The set of another device that holds, or held, the same root was first: this one follows nothing any more, and is not sent again. The
 * other one is seen from now on.
 * @returns what its human is told
 */
async function afterLostRace(open: SentParts, own: OwnStatement, error: KeyferryError): Promise<KeyferryError> {
  const { store } = open
  const mine = readStatement(deviceSetStatement, own.text)
  const instead = await setInstead(open, mine)
  if (instead === null) return alarmed(open, own, error)
  store.transaction(() => {
    store.ownStatements.withdraw(own.typ, own.seq)
    noteOwnSet(store, instead, instead.ref)
  })
  const elsewhere = rootElsewhere(store, mine)
  if (elsewhere === null) return alarmed(open, own, error)
  return firstWord(open, elsewhere) ?? outdated()
}

/** A set of the own user counts as seen from now on, unless a later one does. */
export function noteOwnSet(store: DeviceStore, set: Statement<DeviceSetPayload>, ref: Ref): void {
  const state = store.seen.state()
  const before = state.seenUser(set.payload.user)
  store.clock.raise(set.payload.iat)
  if (before !== null && before.seq > set.payload.seq) return
  store.seen.commit(
    state,
    {
      users: [seenOf(set, before)],
      devices: [],
      names: [],
      pins: [],
      checkpoint: null,
      trust: set.payload.trust ?? null,
    },
    new Map([[ref, set.text]]),
  )
}

export interface PutAnswer {
  readonly ref: Ref
  /** Absent for a hand-over set that waits for its successor. */
  readonly index?: number
}

const PutAnswerShape: z.ZodType<PutAnswer> = z.looseObject({
  ref: ThumbprintShape,
  index: z.int().min(0).exactOptional(),
})

export async function putStatement(client: Client, ref: Ref, text: string): Promise<PutAnswer> {
  const answer = await client.call({
    method: 'PUT',
    path: `/v1/statements/${ref}`,
    jose: { octets: utf8(text), type: 'application/jose' },
  })
  return answer.json(PutAnswerShape)
}

function alarmed({ store, now }: SentParts, own: OwnStatement, error: KeyferryError): KeyferryError {
  if (error.code === 'set-rollback' || error.code === 'statement-rollback') {
    const facts = { typ: own.typ, seq: own.seq, mine: own.ref }
    store.alarms.raise({ reason: error.code, subject: store.seen.state().user, facts, at: now() })
  }
  return error
}
