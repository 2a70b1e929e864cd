import type { UserId } from '@keyferry/protocol'
import type { AccessAnswer, AccessCall, AccessConditions, AccessProof } from './access-call.ts'

/** What an answer means for a delivery now. */
export interface Outcome {
  readonly outcome: 'permit' | 'deny' | 'wait'
  readonly reason: string
  /** What is missing while it waits (PROTOCOL 5, `waitingFor`). */
  readonly waitingFor: readonly ('source-proof' | 'target-proof' | 'approval' | 'code')[]
  /** Whose yes is asked for, if `approval` is missing. */
  readonly approvers: readonly UserId[]
}

/**
 * Weighs the conditions of an answer against the facts of the call that it answers (PROTOCOL 5, rows 3 and 4; 6).
 * The code of a collection is missing only at the collection.
 */
export function outcomeOf(call: AccessCall, answer: AccessAnswer): Outcome {
  const { reason, approvals, code, proof } = answer.context ?? { reason: answer.decision ? 'permitted' : 'denied' }
  if (!answer.decision || refused(approvals, call)) return { outcome: 'deny', reason, waitingFor: [], approvers: [] }
  const waitingFor: Outcome['waitingFor'][number][] = []
  const approved = approvals === undefined || permits(approvals, call) >= approvals.count
  if (!approved) waitingFor.push('approval')
  if (proof !== undefined && !proves(call.context.proof, proof, call.context.now)) {
    waitingFor.push(call.context.stage === 'ac1' ? 'source-proof' : 'target-proof')
  }
  const codeIsDue = code === 'proof' || (code === 'collect' && call.action.name === 'keyferry.collect')
  if (codeIsDue && call.context.proof?.code !== true) waitingFor.push('code')
  return {
    outcome: waitingFor.length === 0 ? 'permit' : 'wait',
    reason,
    waitingFor,
    approvers: approved ? [] : approvals.from,
  }
}

/** Nobody could ever approve, or somebody whose word counts said no. */
function refused(approvals: AccessConditions['approvals'], call: AccessCall): boolean {
  if (approvals === undefined) return false
  if (approvals.count === 0 || approvals.from.length === 0) return true
  return call.context.approvals.some((entry) => entry.decision === 'deny' && approvals.from.includes(entry.by))
}

function permits(approvals: NonNullable<AccessConditions['approvals']>, call: AccessCall): number {
  const yes = call.context.approvals.filter((entry) => entry.decision === 'permit' && approvals.from.includes(entry.by))
  return new Set(yes.map((entry) => entry.by)).size
}

function proves(
  proof: AccessProof | undefined,
  demanded: NonNullable<AccessConditions['proof']>,
  now: number,
): boolean {
  if (proof === undefined || now - proof.at > demanded.maxAgeSeconds) return false
  return demanded.method === undefined || demanded.method === proof.method
}
