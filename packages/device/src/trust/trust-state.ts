import type { DeviceId, DeviceKind, EpochSeconds, Ref, Thumbprint, Trust, UserId } from '@keyferry/protocol'

/** A root id that was compared out of band (`pinned`), or believed once (`tofu`). */
export interface Pin {
  readonly user: UserId
  readonly username: string
  /** Thumbprint of the root that was current when pinned: it MUST be in the chain of the user's sets. */
  readonly root: Thumbprint | null
  readonly how: 'pinned' | 'tofu'
  readonly since: EpochSeconds
}

/** The newest that this device has seen of a user: nothing older counts again (PROTOCOL 3, 10). */
export interface SeenUser {
  readonly user: UserId
  readonly seq: number
  readonly ref: Ref
  /** Refs of the hand-over sets, oldest first. */
  readonly handovers: readonly Ref[]
  /** Thumbprint of the root that signed it. */
  readonly root: Thumbprint
  /** Whether a set with `trust` was seen: every later one but a hand-over set then needs it. */
  readonly hadTrust: boolean
}

export interface SeenDevice {
  readonly device: DeviceId
  readonly seq: number
  readonly ref: Ref
}

/** The root last accepted for a name of an organisation CA, and the `kf-user` by which. */
export interface AcceptedName {
  readonly ca: Thumbprint
  readonly username: string
  readonly user: UserId
  readonly ref: Ref
}

/** The last checkpoint relied on: the note as received, for reports. */
export interface SeenCheckpoint {
  readonly note: string
  readonly size: number
  /** b64u of 32 octets. */
  readonly root: string
}

/** What this device believes at the moment of a check (the trust file of PROTOCOL 3). Reads are of one moment. */
export interface TrustState {
  readonly origin: string
  readonly device: DeviceId
  readonly user: UserId
  readonly username: string
  /** What the own set last said, or the start values of enrolment. */
  readonly trust: Trust
  readonly checkpoint: SeenCheckpoint | null
  pin(user: UserId): Pin | null
  pinNamed(username: string): Pin | null
  seenUser(user: UserId): SeenUser | null
  seenDevice(device: DeviceId): SeenDevice | null
  acceptedName(ca: Thumbprint, username: string): AcceptedName | null
}

/** What a check learned, stored together once the log was checked (S11, T7), whatever later checks say (PROTOCOL 3). */
export interface Learned {
  readonly users: readonly SeenUser[]
  readonly devices: readonly SeenDevice[]
  readonly names: readonly AcceptedName[]
  readonly pins: readonly Pin[]
  readonly checkpoint: SeenCheckpoint
  /** What the own set says to trust from now on, if it says so. */
  readonly trust: Trust | null
}

/** Local rules of a device. Whoever controls them controls what this device gives away; no answer of a server changes them. */
export interface LocalRules {
  /** Oldest set of anybody that counts, by `iat`. Absent: its own expiry decides. */
  readonly maxSetAgeSeconds?: number
  /** Oldest cosignature that counts. */
  readonly maxCheckpointAgeSeconds: number
  /** Believe the server about an unknown root once. */
  readonly tofu: boolean
  /** False: this device never orders; it waits for another (four eyes). */
  readonly selfOrder: boolean
  /** Suites that this device uses, best first; others are refused. */
  readonly suites: readonly string[]
  /** Kinds of target that keys may go to. */
  readonly targetKinds: readonly DeviceKind[]
  /** Take an option of the KtI though the target offers a better one that the KtI leaves out. */
  readonly lesserOption: boolean
  /** Root ids, beside the own one, whose keys this device takes without asking. */
  readonly owners: readonly UserId[]
}

export const DEFAULT_RULES: LocalRules = {
  maxCheckpointAgeSeconds: 24 * 3600,
  tofu: false,
  selfOrder: true,
  suites: ['HPKE-7', 'RSA-OAEP-256'],
  targetKinds: ['smartcard', 'uicc', 'microsd', 'tpm', 'hsm', 'tee', 'usb-token', 'ese', 'software'],
  lesserOption: false,
  owners: [],
}

/** The same state, trusting from here on what the own set says (S5, T3). */
export function withTrust(state: TrustState, trust: Trust | undefined): TrustState {
  if (trust === undefined) return state
  return {
    origin: state.origin,
    device: state.device,
    user: state.user,
    username: state.username,
    checkpoint: state.checkpoint,
    trust,
    pin: (user) => state.pin(user),
    pinNamed: (username) => state.pinNamed(username),
    seenUser: (user) => state.seenUser(user),
    seenDevice: (device) => state.seenDevice(device),
    acceptedName: (ca, username) => state.acceptedName(ca, username),
  }
}
