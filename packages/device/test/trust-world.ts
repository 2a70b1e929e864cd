import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type CheckpointMark,
  checkpointMark,
  consistencyRanges,
  type DevicePayload,
  type DeviceSetPayload,
  type EpochSeconds,
  type ErrorCode,
  type Evidence,
  foldNodes,
  fromBase64url,
  type GrantPayload,
  inclusionRanges,
  type KeyTransferAnswer,
  type LeafRange,
  type LogLeaf,
  leafHash,
  logNameOf,
  makeId,
  makeLeaf,
  makeVkey,
  nodeHash,
  nodesOf,
  type Ref,
  readEnvelope,
  type Statement,
  signCheckpoint,
  type TransportKeyInfo,
  type TreeNode,
  type Trust,
  thumbprint,
  toBase64url,
  type UserPayload,
  utf8,
} from '@keyferry/protocol'
import {
  aDevice,
  aDeviceSet,
  aKeyId,
  anEnvelopeFor,
  aUser,
  type EnvelopeOptions,
  type ExampleSigner,
  exampleSigner,
  NOW,
  ORIGIN,
  type TestDevice,
  type TestUser,
} from '@keyferry/testkit'
import { expect } from 'vitest'
import { type CheckedSource, checkBeforeWrap, type SourceQuestion } from '../src/trust/source-checks.ts'
import { type CheckedTarget, checkBeforeAccept, type TargetQuestion } from '../src/trust/target-checks.ts'
import {
  type AcceptedName,
  DEFAULT_RULES,
  type Pin,
  type SeenCheckpoint,
  type SeenDevice,
  type SeenUser,
  type TrustState,
} from '../src/trust/trust-state.ts'

/** A log that appends, signs what it is told to, and proves it. */
export interface TestLog {
  readonly vkey: string
  append(...leaves: readonly LogLeaf[]): void
  /** The note of its first `size` leaves, of all of them unless said otherwise. */
  checkpoint(size?: number): Promise<string>
  mark(size?: number): CheckpointMark
  consistency(from: number, to: number): string[]
  /** A note, and a proof for all that is in this log. */
  evidence(unproved: (leaf: LogLeaf) => boolean): Promise<Pick<Evidence, 'checkpoint' | 'proofs'>>
}

export function aTestLog(name: string = logNameOf(ORIGIN)): TestLog {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string }
  const vkey = makeVkey(name, 'log', fromBase64url(x))
  const signer = {
    jwk: vkey.jwk,
    id: thumbprint(vkey.jwk),
    sign: async (octets: Uint8Array) => new Uint8Array(sign(null, octets, privateKey)),
  }
  const leaves: LogLeaf[] = []
  const node = ({ level, index }: TreeNode): Uint8Array =>
    level === 0
      ? leafHash(utf8(makeLeaf(ORIGIN, leaves[index] as LogLeaf)))
      : nodeHash(node({ level: level - 1, index: 2 * index }), node({ level: level - 1, index: 2 * index + 1 }))
  const hash = (range: LeafRange): Uint8Array => foldNodes(nodesOf(range).map(node))
  const head = (size: number): { size: number; root: Uint8Array } => ({ size, root: hash({ start: 0, end: size }) })
  const path = (ranges: readonly LeafRange[]): string[] => ranges.map((range) => toBase64url(hash(range)))
  return {
    vkey: vkey.text,
    append: (...more) => void leaves.push(...more),
    checkpoint: (size = leaves.length) => signCheckpoint(head(size), vkey, signer),
    mark: (size = leaves.length) => checkpointMark(head(size)),
    consistency: (from, to) => path(consistencyRanges(from, to)),
    async evidence(unproved) {
      const proofs = leaves.flatMap((leaf, index) =>
        unproved(leaf) ? [] : [[leaf.ref, { index, path: path(inclusionRanges(index, leaves.length)) }]],
      )
      return { checkpoint: await this.checkpoint(), proofs: Object.fromEntries(proofs) }
    },
  }
}

type Logged = Statement<DevicePayload> | Statement<DeviceSetPayload> | Statement<GrantPayload> | Statement<UserPayload>

/** The leaf of a statement. */
export function leafOf({ typ, ref, payload }: Logged): LogLeaf {
  if ('username' in payload) return { typ: 'kf-user+jwt', ref, username: payload.username }
  return { typ: typ as 'kf-device+jwt' | 'kf-device-set+jwt' | 'kf-grant+jwt', ref, user: payload.user }
}

/** What a device remembers, as lists. */
export interface Remembered {
  readonly trust?: Partial<Trust>
  readonly checkpoint?: SeenCheckpoint
  readonly pins?: readonly Pin[]
  readonly users?: readonly SeenUser[]
  readonly devices?: readonly SeenDevice[]
  readonly names?: readonly AcceptedName[]
}

export function aTrustState(device: TestDevice, log: TestLog, remembered: Remembered = {}): TrustState {
  const { pins = [], users = [], devices = [], names = [] } = remembered
  return {
    origin: ORIGIN,
    device: device.id,
    user: device.user.id,
    username: device.user.username,
    trust: { cas: [], witnesses: [], quorum: 0, log: log.vkey, ...remembered.trust },
    checkpoint: remembered.checkpoint ?? null,
    pin: (user) => pins.find((pin) => pin.user === user) ?? null,
    pinNamed: (username) => pins.find((pin) => pin.username === username) ?? null,
    seenUser: (user) => users.find((seen) => seen.user === user) ?? null,
    seenDevice: (id) => devices.find((seen) => seen.device === id) ?? null,
    acceptedName: (ca, username) => names.find((name) => name.ca === ca && name.username === username) ?? null,
  }
}

export function aPin(user: TestUser, members: Partial<Pin> = {}): Pin {
  return { user: user.id, username: user.username, root: null, how: 'pinned', since: NOW, ...members }
}

/** What is remembered of a user of whom this set was seen. */
export function sawSet(set: Statement<DeviceSetPayload>, members: Partial<SeenUser> = {}): SeenUser {
  const { user, seq, root } = set.payload
  return { user, seq, ref: set.ref, handovers: [], root: thumbprint(root), hadTrust: false, ...members }
}

const LUIS = aUser('luis')
const MARTA = aUser('marta')
export const CA: ExampleSigner = exampleSigner('ca')
const TR = makeId('tr', new Uint8Array(16).fill(1))
const DL = makeId('dl', new Uint8Array(16).fill(2))
export const DEADLINE: EpochSeconds = NOW + 86_400

/** A key of luis, which his phone holds, is on its way to the phone of marta, whom luis pinned and who pinned him. */
export interface TrustWorld {
  readonly luis: TestUser
  readonly marta: TestUser
  readonly source: TestDevice
  /** Another device of luis. */
  readonly tablet: TestDevice
  readonly target: TestDevice
  readonly log: TestLog
  readonly luisSet: Statement<DeviceSetPayload>
  readonly martaSet: Statement<DeviceSetPayload>
}

export async function aTrustWorld(): Promise<TrustWorld> {
  const source = await aDevice(LUIS)
  const tablet = await aDevice(LUIS, { name: 'tablet' })
  const target = await aDevice(MARTA)
  const luisSet = await aDeviceSet(LUIS, [source, tablet])
  const martaSet = await aDeviceSet(MARTA, [target])
  return { luis: LUIS, marta: MARTA, source, tablet, target, log: aTestLog(), luisSet, martaSet }
}

/** What differs from what an honest server, source and owner say. */
export interface Spoilt {
  readonly luisSet?: Statement<DeviceSetPayload>
  readonly martaSet?: Statement<DeviceSetPayload>
  readonly targetStatement?: Statement<DevicePayload>
  /** Sent beside sets and statements, and in the log. */
  readonly more?: readonly Logged[]
  /** In the log, and not sent by themselves: hand-over sets come within a set. */
  readonly logged?: readonly Logged[]
  /** Whether a leaf has no proof. */
  readonly unproved?: (leaf: LogLeaf) => boolean
  /** Not sent. */
  readonly unsent?: readonly Ref[]
  readonly kti?: Partial<TransportKeyInfo>
  readonly remembered?: Remembered
}

/** What a source is asked, all of it as it should be but for what is `spoilt`. */
export async function aSourceQuestion(
  world: TrustWorld,
  spoilt: Spoilt = {},
  question: Partial<SourceQuestion> = {},
): Promise<SourceQuestion> {
  const { source, target, log, marta } = world
  const luisSet = spoilt.luisSet ?? world.luisSet
  const martaSet = spoilt.martaSet ?? world.martaSet
  const targetStatement = spoilt.targetStatement ?? target.statement
  const sent = [luisSet, martaSet, source.statement, targetStatement, ...(spoilt.more ?? [])]
  const key = { id: aKeyId(LUIS), class: 'shared', generation: 1, type: 'secret' } as const
  const kti: TransportKeyInfo = {
    v: 1,
    origin: ORIGIN,
    tr: TR,
    dl: DL,
    attempt: 1,
    deadline: DEADLINE,
    key,
    source: { device: source.id, set: luisSet.ref, statement: source.statement.ref },
    target: { device: target.id, user: marta.id, set: martaSet.ref, statement: targetStatement.ref },
    mechanism: 'public-key',
    options: [{ alg: 'HPKE-7', kid: target.transport.kid }],
    minExposure: { source: 'software', target: 'software' },
    redelivery: false,
    maxBytes: 65_536,
    ...(await evidenceOf(log, sent, spoilt)),
    ...spoilt.kti,
  }
  return {
    kti,
    asked: DL,
    since: 0,
    now: NOW,
    state: aTrustState(source, log, { pins: [aPin(marta)], ...spoilt.remembered }),
    rules: DEFAULT_RULES,
    record: {
      key: kti.key,
      container: null,
      username: null,
      minExposure: { source: 'software', target: 'software' },
      mechanisms: ['public-key'],
      algs: ['HPKE-7'],
      auto: false,
      browsers: false,
    },
    wrap: source.statement.payload.wrap,
    consistency: async (from, to) => log.consistency(from, to),
    ...question,
  }
}

async function evidenceOf(
  log: TestLog,
  sent: readonly Logged[],
  { logged = [], unsent = [], unproved = () => false }: Spoilt,
): Promise<Evidence> {
  log.append(...[...sent, ...logged].map(leafOf))
  const statements = sent.filter(({ ref }) => !unsent.includes(ref)).map(({ ref, text }) => [ref, text])
  return { statements: Object.fromEntries(statements), ...(await log.evidence(unproved)) }
}

export interface SpoiltEnvelope extends Spoilt {
  readonly envelope?: EnvelopeOptions
  readonly answer?: Partial<KeyTransferAnswer>
}

/** What a target collected, all of it as it should be but for what is `spoilt`. */
export async function aTargetQuestion(
  world: TrustWorld,
  spoilt: SpoiltEnvelope = {},
  question: Partial<TargetQuestion> = {},
): Promise<TargetQuestion> {
  const { source, target, log, luis } = world
  const { kti: info } = await aSourceQuestion(world, spoilt)
  const { octets, order } = await anEnvelopeFor({ source, target }, info, spoilt.envelope)
  const { ref, binding } = readEnvelope(octets)
  log.append(
    { typ: 'kf-order+jwt', ref: order.ref, owner: luis.id, dl: info.dl },
    { typ: 'kf-envelope+jws', ref, owner: luis.id, dl: info.dl },
  )
  const answer: KeyTransferAnswer = {
    v: 1,
    binding: toBase64url(binding),
    envelope: ref,
    statements: info.statements,
    ...(await log.evidence(spoilt.unproved ?? (() => false))),
    ...spoilt.answer,
  }
  return {
    answer,
    envelopeOctets: octets,
    asked: info.dl,
    since: 0,
    now: NOW,
    state: aTrustState(target, log, { pins: [aPin(luis)], ...spoilt.remembered }),
    rules: { ...DEFAULT_RULES, owners: [luis.id] },
    transportKeys: target.statement.payload.enc,
    nonce: null,
    lastGeneration: () => null,
    ownerAdmitted: false,
    jumpAdmitted: false,
    consistency: async (from, to) => log.consistency(from, to),
    ...question,
  }
}

/** The source may wrap. */
export async function wrapsWhen(
  world: TrustWorld,
  spoilt?: Spoilt,
  question?: Partial<SourceQuestion>,
): Promise<CheckedSource> {
  return checkBeforeWrap(await aSourceQuestion(world, spoilt, question))
}

/** The source does not wrap, because of this. */
export async function wrapFailsWith(
  code: ErrorCode,
  world: TrustWorld,
  spoilt?: Spoilt,
  question?: Partial<SourceQuestion>,
): Promise<void> {
  await expect(wrapsWhen(world, spoilt, question)).rejects.toMatchObject({ code })
}

/** The target may unwrap. */
export async function acceptsWhen(
  world: TrustWorld,
  spoilt?: SpoiltEnvelope,
  question?: Partial<TargetQuestion>,
): Promise<CheckedTarget> {
  return checkBeforeAccept(await aTargetQuestion(world, spoilt, question))
}

/** The target does not unwrap, because of this. */
export async function acceptFailsWith(
  code: ErrorCode,
  world: TrustWorld,
  spoilt?: SpoiltEnvelope,
  question?: Partial<TargetQuestion>,
): Promise<void> {
  await expect(acceptsWhen(world, spoilt, question)).rejects.toMatchObject({ code })
}

/** A second set of one of the two users. */
export function nextSet(
  world: TrustWorld,
  whose: 'luis' | 'marta',
  members: Partial<DeviceSetPayload> = {},
): Promise<Statement<DeviceSetPayload>> {
  const { luis, marta, source, tablet, target, luisSet, martaSet } = world
  return whose === 'luis'
    ? aDeviceSet(luis, [source, tablet], { after: luisSet, members })
    : aDeviceSet(marta, [target], { after: martaSet, members })
}
