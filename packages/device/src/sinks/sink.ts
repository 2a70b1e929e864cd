import type { KeyType } from '@keyferry/protocol'
import type { KeyFileFormat } from '../keys/write-key-file.ts'

/** A key on its way out of the key store, to where programs use it. */
export interface OutgoingKey {
  readonly type: KeyType
  /** Key octets (PROTOCOL 8); the caller erases them. */
  readonly octets: Uint8Array
  /** What its human calls it: a comment in files that have one. */
  readonly label: string
}

export interface SinkOptions {
  /** `file`: where. */
  readonly path?: string
  readonly format?: KeyFileFormat
  /** `file`: replace another file of that name. */
  readonly force?: boolean
}

/** Where a received key goes. Putting the same key there again changes nothing: it is repeated after a crash. */
export interface Sink {
  /**
   * @returns where it is now, for people.
   * @throws {DeviceError} `file-exists`
   */
  put(key: OutgoingKey, options: SinkOptions): string
}
