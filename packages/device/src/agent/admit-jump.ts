import { type DeliveryId, fromBase64url, type KeyTransferAnswer, readKeyTransferInfo } from '@keyferry/protocol'
import { MAX_GENERATION_JUMP } from '../trust/target-checks.ts'
import { askHuman, type Consent } from './consent.ts'
import { type AgentParts, labelOf } from './parts.ts'

/**
 * A generation far ahead of the last one (T6): the human is asked before the envelope is collected. That it is the one which was announced
 * is checked then.
 * @throws {KeyferryError} `declined`
 */
export function admitJump(parts: AgentParts, dl: DeliveryId, attempt: number, answer: KeyTransferAnswer): Consent {
  const { key, exp } = readKeyTransferInfo(fromBase64url(answer.binding))
  const last = parts.store.replay.lastGeneration(key.id) ?? 0
  if (key.generation - last <= MAX_GENERATION_JUMP) return 'given'
  return askHuman(parts, {
    dl,
    attempt,
    kind: 'jump',
    facts: { key: key.id, label: labelOf(parts, key.id), last, generation: key.generation },
    until: exp,
  })
}
