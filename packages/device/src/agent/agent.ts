import { type DeliveryId, KeyferryError, type NoticeId } from '@keyferry/protocol'
import { pause } from '../client/pause.ts'
import { UnreachableError } from '../client/transport.ts'
import { stopsTransfers } from '../own/forked-log.ts'
import { resendStarted } from '../transfers/start.ts'
import type { StepResult } from './asking.ts'
import { backoffSeconds } from './backoff.ts'
import { fairSteps } from './fair-steps.ts'
import { finishOutcome } from './finish-outcome.ts'
import { callBack, genuineNotice, MAX_NOTICES, noticeId, pollInbox, recentNotices, streamInbox } from './inbox.ts'
import { listDeliveries } from './listed.ts'
import type { AgentParts } from './parts.ts'
import { alarmOverdue, finishStep } from './receipts.ts'
import { sendEnvelope, sourceStep } from './source-step.ts'
import { targetMemory } from './target-memory.ts'
import { targetStep } from './target-step.ts'

export interface Agent {
  /** One pass: what was left unsent, what waits at the server, the inbox until it is empty: of each, as much as a server may ask. */
  once(): Promise<void>
  /**
   * Passes, then waits for notices, until the signal aborts. Without network it waits, longer each time, and says so.
   * @throws {KeyferryError} `device-revoked`: this device was taken out of its user's devices.
   */
  run(signal: AbortSignal): Promise<void>
}

/** Longest time between two looks at everything: notices are hints, the list of deliveries is the truth. */
const LOOK_AGAIN_SECONDS = 120
/** How soon a human's answer, given in another process, is seen. */
const ANSWER_SECONDS = 2
/** Notices are hints: what an inbox holds beyond this is found in the list of deliveries, or the next time. */
const MAX_INBOX_ROUNDS = 20
const MAX_INBOX_MILLISECONDS = 20_000
/** What asks to be looked at again without being listed any more is forgotten. */
const MAX_DUE = 1000
/** A server that ends each stream at once is not asked for everything as often. */
const MIN_APART_MILLISECONDS = 2000

type Role = 'source' | 'target'

/** The loop of a device (PROTOCOL 5, 9): a notice or a list says which delivery, a step does what is due. */
export function agent(parts: AgentParts): Agent {
  const memory = targetMemory()
  const steps = fairSteps()
  const recent = recentNotices()
  /** Deliveries that said "not yet": when to ask again, milliseconds since the epoch. */
  const due = new Map<
    string,
    { readonly role: Role; readonly dl: DeliveryId; readonly at: number; readonly tries: number }
  >()

  /** @returns whether the delivery came further by it. */
  async function step(role: Role, dl: DeliveryId): Promise<boolean> {
    refuseAfterAlarm(parts)
    const name = `${role} ${dl}`
    const tries = due.get(name)?.tries ?? 0
    due.delete(name)
    const result = await guarded(() => (role === 'source' ? sourceStep(parts, dl) : targetStep(parts, dl, memory)), dl)
    if (due.size >= MAX_DUE) return result.kind === 'moved'
    if (result.kind === 'waits') due.set(name, { role, dl, at: Date.now() + ANSWER_SECONDS * 1000, tries: 0 })
    if (result.kind !== 'again') return result.kind === 'moved'
    const seconds = Math.min(result.afterSeconds * 2 ** tries, 3600)
    due.set(name, { role, dl, at: Date.now() + seconds * 1000, tries: Math.min(tries + 1, 10) })
    return false
  }

  /** What one delivery does wrong must not stop the others. */
  async function guarded(action: () => Promise<StepResult>, dl: DeliveryId | null): Promise<StepResult> {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      parts.report({ kind: 'problem', dl, code: error.code, why: error.message })
      const wait = error.details.retryAfter
      return { kind: 'again', afterSeconds: typeof wait === 'number' ? wait : 60 }
    }
  }

  /** Stored before they were sent, and perhaps never sent. */
  async function sendLeftovers(): Promise<void> {
    await resendStarted(parts)
    for (const made of parts.store.envelopes.unsent()) await guarded(() => sendEnvelope(parts, made), made.dl)
    for (const entry of parts.store.replay.unsent()) await guarded(() => finishOutcome(parts, entry, memory), entry.dl)
  }

  async function stepListed(role: Role, states: string): Promise<void> {
    const listed = await listDeliveries(parts, role, states)
    await steps.each(
      listed,
      (dl) => `${role} ${dl}`,
      (dl) => step(role, dl),
    )
  }

  async function lookAtAll(): Promise<void> {
    await sendLeftovers()
    await stepListed('source', 'admitted')
    await stepListed('target', 'released,collected')
  }

  /** @returns the id to acknowledge. */
  async function handle(jws: string): Promise<NoticeId | null> {
    if (recent.has(jws)) return noticeId(jws)
    const id = await genuineNotice(parts, jws)
    if (id === null) return noticeId(jws)
    const facts = await callBack(parts, id)
    if (facts !== null && facts.delivery !== null) await act(facts.type, facts.delivery)
    recent.add(id)
    return id
  }

  async function act(type: string, delivery: DeliveryId): Promise<void> {
    if (type.includes('source-requested')) await step('source', delivery)
    else if (type.includes('target-available')) await step('target', delivery)
    else if (type.includes('outcome')) await guarded(() => finishStep(parts, delivery).then(() => DONE), delivery)
  }

  /** Reads the inbox until it is empty or enough was read; what was handled is acknowledged with the next poll. */
  async function emptyInbox(): Promise<void> {
    const until = Date.now() + MAX_INBOX_MILLISECONDS
    let handled: NoticeId[] = []
    for (let round = 0; round < MAX_INBOX_ROUNDS && Date.now() < until; round++) {
      const notices = await pollInbox(parts, handled, 0)
      if (notices.length === 0) return
      handled = []
      for (const jws of notices) {
        if (Date.now() >= until) break
        const id = await handle(jws)
        if (id !== null) handled.push(id)
      }
    }
    if (handled.length > 0) await pollInbox(parts, handled, 0)
  }

  async function pass(): Promise<void> {
    refuseAfterAlarm(parts)
    await lookAtAll()
    await emptyInbox()
    // What the notices brought may have left something listed (a proof that let a decision pass).
    await lookAtAll()
    await guarded(() => alarmOverdue(parts).then(() => DONE), null)
  }

  async function stepDue(): Promise<void> {
    const now = Date.now()
    await steps.each(
      [...due.values()].filter(({ at }) => at <= now),
      ({ role, dl }) => `${role} ${dl}`,
      ({ role, dl }) => step(role, dl),
    )
  }

  /** Listens by stream, else by long poll, for a while; returns when it is time for a pass. */
  async function listen(signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(LOOK_AGAIN_SECONDS * 1000)])
    const ticking = tick(until)
    try {
      let heard = 0
      for await (const jws of streamInbox(parts, until)) {
        // So many at once: the list of deliveries says what they are about.
        if (until.aborted || ++heard > MAX_NOTICES) return
        if (recent.has(jws)) continue
        const id = await handle(jws)
        if (id !== null) await pollInbox(parts, [id], 0)
      }
    } catch (error) {
      if (until.aborted) return
      if (!(error instanceof KeyferryError)) throw error
      await pollInbox(parts, [], 30, until) // no streams here: a long poll does as well
    } finally {
      await ticking.stop()
    }
  }

  /** While listening, answers of the human and repeats that are due are not forgotten. */
  function tick(signal: AbortSignal): { stop(): Promise<void> } {
    const stopped = new AbortController()
    const both = AbortSignal.any([signal, stopped.signal])
    const running = (async () => {
      while (!both.aborted) {
        await pause(ANSWER_SECONDS * 1000, both)
        if (!both.aborted) await stepDue().catch(() => {}) // no network: the stream notices it too
      }
    })()
    return {
      async stop() {
        stopped.abort()
        await running
      },
    }
  }

  return {
    once: pass,
    async run(signal) {
      let failures = 0
      let connected = false
      while (!signal.aborted) {
        try {
          await pass()
          if (!connected) parts.report({ kind: 'connected' })
          connected = true
          failures = 0
          const begun = performance.now()
          await listen(signal)
          const left = begun + MIN_APART_MILLISECONDS - performance.now()
          if (left > 0) await pause(left, signal)
        } catch (error) {
          if (signal.aborted) return
          if (!(error instanceof UnreachableError) && !(error instanceof KeyferryError)) throw error
          // For good: nothing that this device asks for will be answered again.
          if (isAnswer(error) && error.code === 'device-revoked') throw error
          connected = false
          const seconds = backoffSeconds(failures++, Math.random)
          const code = isAnswer(error) ? { code: error.code } : {}
          parts.report({ kind: 'unreachable', why: error.message, againInSeconds: Math.round(seconds), ...code })
          await pause(seconds * 1000, signal)
        }
      }
    },
  }
}

function isAnswer(error: Error): error is KeyferryError {
  return error instanceof KeyferryError
}

const DONE: StepResult = { kind: 'done' }

/** A log that contradicts itself stops all transfers until a human acts (PROTOCOL 11). */
function refuseAfterAlarm(parts: AgentParts): void {
  if (parts.store.alarms.open().some(stopsTransfers)) {
    throw new KeyferryError(
      'log-inconsistent',
      'the log contradicted itself: all transfers stand still until you look at it',
    )
  }
}
