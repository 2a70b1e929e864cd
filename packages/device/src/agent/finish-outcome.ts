import { type DeviceId, ownerOf, readStatement, receiptStatement } from '@keyferry/protocol'
import type { ReplayEntry } from '../store/replay.ts'
import { callOrGone, refuse, type StepResult } from './asking.ts'
import { StateShape } from './delivery-facts.ts'
import type { AgentParts } from './parts.ts'
import { nameOf, type TargetMemory } from './target-memory.ts'

const DONE: StepResult = { kind: 'done' }

export interface Giver {
  readonly device: DeviceId
  readonly username: string | null
}

/**
 * What follows a final outcome, as often as it takes: the key goes where programs use it, then the outcome is sent. A process that died
 * in between has left this to the next.
 *
 * @param giver - whose key it is and what device wrapped it, where that was just checked.
 */
export async function finishOutcome(
  parts: AgentParts,
  entry: ReplayEntry,
  memory: TargetMemory,
  giver: Giver | null = null,
): Promise<StepResult> {
  const name = nameOf(entry)
  const isSent = parts.store.replay.unsent().every((other) => nameOf(other) !== name)
  // What was acknowledged once was placed before; a server that lists it again gets its receipt again, and no more.
  if (!isSent && !memory.placed.has(name)) {
    await place(parts, entry, giver)
    memory.placed.add(name)
  }
  const result = await sendOutcome(parts, entry)
  memory.placed.delete(name)
  return result
}

/** Where programs use it. The key is safe in the store: if this fails, its human is told and can take it out again. */
async function place(parts: AgentParts, { dl, outcome }: ReplayEntry, giver: Giver | null): Promise<void> {
  if (outcome.kind !== 'receipt') return
  const receipt = readStatement(receiptStatement, outcome.text).payload
  const record = receipt.key === undefined ? null : parts.store.keys.find(receipt.key.id)
  // A later generation has come since, and went where this one would.
  if (receipt.outcome !== 'installed' || record?.key.generation !== receipt.key?.generation || record === null) return
  let where: string | null = null
  try {
    where = await parts.install.place(record.key, record)
  } catch (error) {
    parts.report({
      kind: 'problem',
      dl,
      code: error instanceof Error && 'code' in error ? String(error.code) : 'store-failed',
      why: error instanceof Error ? error.message : 'the key could not be put where it should go',
    })
  }
  const owner = ownerOf(record.key.id)
  const state = parts.store.seen.state()
  const username = giver?.username ?? (owner === state.user ? state.username : state.pin(owner)?.username)
  parts.report({
    kind: 'installed',
    dl,
    label: record.label,
    from: username ?? owner,
    source: giver?.device ?? null,
    where: where ?? 'key store',
  })
}

/** Sends what is stored, as often as it takes; never anything else for this attempt (PROTOCOL 9.3). */
export async function sendOutcome(parts: AgentParts, entry: ReplayEntry): Promise<StepResult> {
  const { dl, attempt, outcome } = entry
  if (outcome.kind === 'pending') return DONE
  let isInstalled = false
  if (outcome.kind === 'refused') {
    await refuse(parts, dl, outcome.reason)
  } else {
    const receipt = readStatement(receiptStatement, outcome.text).payload
    isInstalled = receipt.outcome === 'installed'
    const answer = await callOrGone(() =>
      parts.client.call({
        method: 'PUT',
        path: `/v1/deliveries/${dl}/receipts/${attempt}`,
        jose: { octets: new TextEncoder().encode(outcome.text), type: 'application/jose' },
      }),
    )
    const state = answer?.json(StateShape).state ?? 'closed'
    parts.report({ kind: 'receipted', dl, outcome: receipt.outcome, state })
  }
  parts.store.replay.markDone(dl, attempt)
  return isInstalled ? { kind: 'moved' } : DONE
}
