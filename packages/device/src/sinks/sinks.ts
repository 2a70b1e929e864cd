import { writeKeyFile } from '../keys/write-key-file.ts'
import { fileSink } from './file.ts'
import type { Sink } from './sink.ts'

/** `keystore`: it stays sealed where it is. `file`. `stdout`: in the clear, only if somebody asked for exactly this. */
export const SINK_NAMES = ['keystore', 'file', 'stdout'] as const
export type SinkName = (typeof SINK_NAMES)[number]

const keystoreSink: Sink = { put: () => 'key store' }

/** @param write - to standard output, synchronously: the octets are erased when it returns. */
export function makeSinks(write: (octets: Uint8Array) => void): Record<SinkName, Sink> {
  return {
    keystore: keystoreSink,
    file: fileSink,
    stdout: {
      put(key, { format = 'auto' }) {
        const content = writeKeyFile(key.type, key.octets, format, key.label)
        try {
          write(content)
        } finally {
          content.fill(0)
        }
        return 'standard output'
      },
    },
  }
}
