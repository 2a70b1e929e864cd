import type { EpochSeconds, KeyId } from '@keyferry/protocol'
import type { OwnRecord } from '../trust/own-record.ts'

/** The own record of a key (PROTOCOL 2.4) and what is for people only. `key.generation` is the current one here. */
export interface KeyRecord extends OwnRecord {
  readonly label: string
  /** The file that it came from or went to: a hint for people. */
  readonly file: string | null
  readonly createdAt: EpochSeconds
}

export interface KeyRecordStore {
  find(id: KeyId): KeyRecord | null
  /** Several keys may go by one label. */
  labelled(label: string): KeyRecord[]
  /** Oldest first. */
  list(): KeyRecord[]
  /**
   * Adds or replaces.
   * @throws {KeyferryError} `generation-old` if the stored record has a later generation.
   */
  put(record: KeyRecord): void
  remove(id: KeyId): void
}
