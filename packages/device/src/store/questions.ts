import type { DeliveryId, EpochSeconds, JsonValue } from '@keyferry/protocol'

/**
 * What a human is asked about a delivery: `give` a key away (S12), give it again (`redelivery`, S4), take keys of this `owner`
 * (T3), accept a `jump` of generations (T6).
 */
export type QuestionKind = 'give' | 'redelivery' | 'owner' | 'jump'

export interface Decision {
  readonly answer: 'yes' | 'no'
  /** Slug or words for the other side, if the human gave any. */
  readonly reason: string | null
  readonly at: EpochSeconds
}

export interface Question {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly kind: QuestionKind
  /** What is shown: name, fingerprint, kind, key. The decision holds for exactly these facts. */
  readonly facts: JsonValue
  readonly askedAt: EpochSeconds
  readonly until: EpochSeconds
  readonly decision: Decision | null
}

export interface QuestionStore {
  find(dl: DeliveryId, attempt: number, kind: QuestionKind): Question | null
  /** Undecided ones, oldest first. */
  open(): Question[]
  /** Asks. With equal facts the earlier question and its decision stay; with other facts its decision is void. */
  ask(question: Omit<Question, 'decision'>): void
  /**
   * @param shown - the question as the human saw it.
   * @throws {KeyferryError} `state-conflict` if it is gone, decided, or about other facts by now: show it again.
   */
  decide(shown: Question, decision: Decision): void
  /** Drops all about this (`dl`, attempt): it has ended. */
  close(dl: DeliveryId, attempt: number): void
  /** Drops those whose time is over. */
  forget(now: EpochSeconds): void
}
