import { createHash } from 'node:crypto'
import {
  type DeviceId,
  type Id,
  type IdPrefix,
  type KeyId,
  makeId,
  makeKeyId,
  type Ref,
  type UserId,
} from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import type {
  DecisionRow,
  DeliveryRow,
  DeviceRow,
  EnrolmentRow,
  IdempotencyRow,
  KeyRow,
  NoticeRow,
  SealedEnvelopeRow,
  StatementRow,
  TransferRow,
  UserRow,
} from '../../src/store/rows.ts'
import { NEW_ATTEMPT } from '../../src/transfers/new-attempt.ts'

/** Rows for tests of stores. Names stand for ids: the same name is the same id. */
export function thumb(name: string): UserId & DeviceId & Ref {
  return createHash('sha256').update(name).digest('base64url') as UserId & DeviceId & Ref
}

export function idOf<P extends IdPrefix>(prefix: P, name: string): Id<P> {
  return makeId(prefix, createHash('sha256').update(name).digest().subarray(0, 16))
}

export function keyOf(owner: string, name: string): KeyId {
  return makeKeyId(thumb(owner), createHash('sha256').update(name).digest().subarray(0, 16))
}

export function octets(name: string, length: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let i = 0; i * 32 < length; i++) parts.push(createHash('sha256').update(`${name} ${i}`).digest())
  return new Uint8Array(Buffer.concat(parts).subarray(0, length))
}

export function aUserRow(name: string, more: Partial<UserRow> = {}): UserRow {
  return {
    id: thumb(name),
    username: name,
    setRef: thumb(`set of ${name}`),
    setSeq: 1,
    handoverRef: null,
    admin: false,
    createdAt: NOW,
    version: 1,
    ...more,
  }
}

export function aDeviceRow(name: string, user: string, more: Partial<DeviceRow> = {}): DeviceRow {
  return {
    id: thumb(name),
    user: thumb(user),
    state: 'active',
    kind: 'software',
    statementRef: thumb(`statement of ${name}`),
    statementSeq: 1,
    accessKey: null,
    suspended: null,
    lastProofAt: null,
    createdAt: NOW,
    version: 1,
    ...more,
  }
}

export function aStatementRow(name: string, user: string, more: Partial<StatementRow> = {}): StatementRow {
  return {
    ref: thumb(name),
    typ: 'kf-device-set+jwt',
    user: thumb(user),
    subject: '',
    seq: 1,
    text: `text of ${name}`,
    createdAt: NOW,
    ...more,
  }
}

export function anEnrolmentRow(name: string, more: Partial<EnrolmentRow> = {}): EnrolmentRow {
  return {
    id: idOf('en', name),
    codeHash: thumb(`code of ${name}`),
    state: 'open',
    username: 'luis',
    user: null,
    reason: null,
    claim: null,
    claimant: null,
    device: null,
    answer: null,
    set: null,
    proof: null,
    createdAt: NOW,
    expiresAt: NOW + 600,
    version: 1,
    ...more,
  }
}

export function aKeyRow(owner: string, name: string, more: Partial<KeyRow> = {}): KeyRow {
  return {
    id: keyOf(owner, name),
    owner: thumb(owner),
    class: 'shared',
    type: 'aes',
    generation: 1,
    sources: [thumb('tablet')],
    usages: null,
    username: null,
    container: null,
    label: 'a "key" with ünicode',
    validFrom: null,
    validUntil: null,
    withdrawn: false,
    version: 1,
    ...more,
  }
}

export function aTransferRow(name: string, more: Partial<TransferRow> = {}): TransferRow {
  return {
    tr: idOf('tr', name),
    requester: { type: 'device', id: thumb('tablet'), user: thumb('luis') },
    key: keyOf('luis', 'key'),
    purpose: null,
    notBefore: null,
    deadline: NOW + 3600,
    createdAt: NOW,
    ...more,
  }
}

export function aDeliveryRow(name: string, transfer: string, more: Partial<DeliveryRow> = {}): DeliveryRow {
  const keyId = more.keyId ?? keyOf('luis', 'key')
  return {
    dl: idOf('dl', name),
    tr: idOf('tr', transfer),
    requester: { type: 'device', id: thumb('tablet'), user: thumb('luis') },
    purpose: null,
    named: true,
    state: 'requested',
    stage: null,
    waitingFor: ['source-proof'],
    attempt: 1,
    key: { id: keyId, class: 'shared', generation: 1, type: 'aes' },
    keyId,
    owner: keyId.slice(0, 43) as UserId,
    container: null,
    username: null,
    source: thumb('tablet'),
    target: thumb('phone'),
    targetUser: thumb('marta'),
    orderBy: 'source',
    mechanism: 'public-key',
    minExposure: { source: 'software', target: 'software' },
    redelivery: false,
    nonce: null,
    notBefore: null,
    deadline: NOW + 3600,
    changedAt: NOW,
    collections: 0,
    ...NEW_ATTEMPT,
    version: 1,
    ...more,
  }
}

/** The next version of a row. */
export function after<T extends { readonly version: number }>(row: T, more: Partial<T>): T {
  return { ...row, ...more, version: row.version + 1 }
}

export function anEnvelopeRow(delivery: string, attempt = 1, length = 1500): SealedEnvelopeRow {
  return {
    dl: idOf('dl', delivery),
    attempt,
    sealed: octets(`sealed ${delivery} ${attempt}`, length),
    key: octets(`key ${delivery} ${attempt}`, 32),
  }
}

export function aNoticeRow(name: string, more: Partial<NoticeRow> = {}): NoticeRow {
  return {
    id: idOf('nt', name),
    type: 'source-requested',
    recipient: thumb('tablet'),
    delivery: null,
    enrolment: null,
    createdAt: NOW,
    expiresAt: NOW + 3600,
    state: 'queued',
    ...more,
  }
}

export function aDecisionRow(name: string, delivery: string, more: Partial<DecisionRow> = {}): DecisionRow {
  return {
    ref: thumb(name),
    dl: idOf('dl', delivery),
    attempt: 1,
    octets: octets(`decision ${name}`, 100),
    createdAt: NOW,
    ...more,
  }
}

export function anIdempotencyRow(key: string, more: Partial<IdempotencyRow> = {}): IdempotencyRow {
  return {
    scope: thumb('tablet'),
    key,
    request: thumb(`request ${key}`),
    status: 201,
    body: '{"tr":"tr_"}',
    expiresAt: NOW + 86_400,
    ...more,
  }
}
