import {
  type DeliveryId,
  deviceSetStatement,
  deviceStatement,
  grantStatement,
  orderStatement,
  type Ref,
  receiptStatement,
  userStatement,
} from '@keyferry/protocol'
import { type Caller, isAdministrator, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, StatementRow } from '../store/rows.ts'
import { standing } from '../transfers/standing.ts'
import { mayLookUpPeople } from './lookup-policy.ts'
import { isPartyOf } from './parties.ts'
import { actsFor, keyidOf, notFound } from './whose.ts'

type Readable = (context: ServerContext, caller: Caller, row: StatementRow) => Promise<boolean>

/** Who reads a statement besides its own user and administrators, by type. */
const READABLE: ReadonlyMap<string, Readable> = new Map<string, Readable>([
  [deviceStatement.typ, aboutPeople],
  [deviceSetStatement.typ, aboutPeople],
  [userStatement.typ, aboutPeople],
  [grantStatement.typ, grant],
  [orderStatement.typ, ofDelivery],
  [receiptStatement.typ, ofDelivery],
])

/**
 * `GET /v1/statements/{ref}`: the compact JWS exactly as it was put (PROTOCOL 15, *Whose*).
 * @throws {KeyferryError} `not-found`, also for what is not the caller's
 */
export async function getStatement(context: ServerContext, caller: Caller, ref: Ref): Promise<string> {
  const row = await context.read.statement(ref)
  const readable = row === null ? undefined : READABLE.get(row.typ)
  if (row === null || readable === undefined || !(await readable(context, caller, row))) throw notFound()
  return row.text
}

async function aboutPeople(context: ServerContext, caller: Caller, row: StatementRow): Promise<boolean> {
  if (isOwn(caller, row)) return true
  // A hand-over set that waits is not told to anybody before its successor is put (PROTOCOL 2.2).
  if ((await context.read.leafIndex(row.ref)) === null) return false
  if (mayLookUpPeople(caller)) return true
  return isPartyOf(context, caller, (delivery) => delivery.owner === row.user || delivery.targetUser === row.user)
}

async function grant(context: ServerContext, caller: Caller, row: StatementRow): Promise<boolean> {
  if (isOwn(caller, row)) return true
  const grantee = row.subject
  if (keyidOf(caller) === grantee || (caller.type === 'device' && caller.device.id === grantee)) return true
  const needs = (delivery: DeliveryRow): boolean => delivery.owner === row.user && delivery.orderBy === grantee
  return isPartyOf(context, caller, needs)
}

/** Orders and receipts: whoever the delivery exists for. */
async function ofDelivery(context: ServerContext, caller: Caller, row: StatementRow): Promise<boolean> {
  const delivery = await context.read.delivery(row.subject as DeliveryId)
  return delivery !== null && standing(caller, delivery) !== null
}

function isOwn(caller: Caller, row: StatementRow): boolean {
  return isAdministrator(caller) || (userOf(caller) === row.user && actsFor(caller, row.user))
}
