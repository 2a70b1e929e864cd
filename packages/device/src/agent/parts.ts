import {
  type DeliveryId,
  type DeviceId,
  type DevicePayload,
  deviceStatement,
  type EpochSeconds,
  KeyferryError,
  type KeyId,
  type OrderKey,
  readStatement,
  type Statement,
} from '@keyferry/protocol'
import type { Client } from '../client/client.ts'
import { consistencyPath } from '../client/consistency-path.ts'
import type { ExportsKeys, TransactionalDevice } from '../keystores/secure-device.ts'
import type { DeviceStore } from '../store/device-store.ts'
import type { KeyRecord } from '../store/key-records.ts'

/** What the agent tells whoever watches it. One event for each thing that a person would want to know. */
export type AgentEvent =
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'unreachable'
      readonly why: string
      /** Of an answer that helps no further; absent: there was none. */
      readonly code?: string
      readonly againInSeconds: number
    }
  | {
      readonly kind: 'wrapped'
      readonly dl: DeliveryId
      readonly label: string
      /** Name of the user, or his root id. */
      readonly to: string
      readonly target: DeviceId
      readonly alg: string
    }
  | { readonly kind: 'deposited'; readonly dl: DeliveryId; readonly state: string }
  | { readonly kind: 'asks'; readonly dl: DeliveryId; readonly question: string; readonly label: string }
  | {
      readonly kind: 'installed'
      readonly dl: DeliveryId
      readonly label: string
      /** Name of the key's owner, or his root id. */
      readonly from: string
      /** The device that wrapped it; null where a process took it in that is no more. */
      readonly source: DeviceId | null
      readonly where: string
    }
  | {
      readonly kind: 'receipted'
      readonly dl: DeliveryId
      readonly outcome: 'installed' | 'rejected'
      readonly state: string
    }
  | { readonly kind: 'finished'; readonly dl: DeliveryId; readonly state: string; readonly reason: string | null }
  | {
      readonly kind: 'refused'
      readonly dl: DeliveryId
      readonly role: 'source' | 'target'
      readonly reason: string
      readonly why: string
      readonly label: string | null
      readonly alarm: boolean
      /** Whether it is what the human of this device answered. */
      readonly byHuman: boolean
    }
  | {
      readonly kind: 'later'
      readonly dl: DeliveryId
      readonly reason: string
      readonly why: string
      readonly againInSeconds: number
    }
  | { readonly kind: 'alarm'; readonly reason: string; readonly subject: string }
  | { readonly kind: 'problem'; readonly dl: DeliveryId | null; readonly code: string; readonly why: string }

/** What is done with a key once it is installed: which file, which name. Given by rules of the command line. */
export interface InstallRule {
  /** @returns where it went, in words; null if it stays in the key store. Repeated after a crash. */
  place(key: OrderKey, record: KeyRecord): Promise<string | null>
}

export interface AgentParts {
  readonly store: DeviceStore
  readonly device: TransactionalDevice & ExportsKeys
  readonly client: Client
  /** The device's own time: it never runs back (PROTOCOL 1). */
  readonly now: () => EpochSeconds
  readonly random: (count: number) => Uint8Array
  readonly report: (event: AgentEvent) => void
  readonly install: InstallRule
}

/** The newest statement that this device signed about itself. */
export function ownStatement(parts: Pick<AgentParts, 'store'>): Statement<DevicePayload> {
  const newest = parts.store.ownStatements.newest('kf-device+jwt')
  if (newest === null) throw new KeyferryError('store-failed', 'this device has no statement of its own')
  return readStatement(deviceStatement, newest.text)
}

/** Size of the last checkpoint relied on: the `since` to ask with. */
export function lastSize(parts: Pick<AgentParts, 'store'>): number {
  return parts.store.seen.state().checkpoint?.size ?? 0
}

/** Consistency proofs on demand. What the server answers instead of one proves nothing: not yet. */
export function consistencyFrom(client: Client): (from: number, to: number) => Promise<readonly string[]> {
  return async (from, to) => {
    try {
      return await consistencyPath(client, from, to)
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      throw new KeyferryError('response-invalid', 'the server gives no consistency proof', {}, { cause: error })
    }
  }
}

export function labelOf(parts: Pick<AgentParts, 'store'>, key: KeyId): string {
  return parts.store.keys.find(key)?.label ?? 'a key'
}

const SEEN_TRIES = 4

/**
 * Runs a check against what this device has seen; when another process of it learned something meanwhile, the check is made again
 * against that.
 * @throws {KeyferryError} what the check throws; `state-conflict` after some tries
 */
export async function againstSeen<T>(check: () => Promise<T>): Promise<T> {
  for (let left = SEEN_TRIES; ; left--) {
    try {
      return await check()
    } catch (error) {
      const changed = error instanceof KeyferryError && error.code === 'state-conflict'
      if (!changed || left === 0) throw error
    }
  }
}
