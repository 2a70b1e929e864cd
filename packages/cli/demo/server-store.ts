import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What the server itself has written down, read beside it: the demo shows what is there, not what somebody says. */
export interface ServerStore {
  /** Octets of the wrapped key that are kept for a delivery; 0: none. */
  wrappedOctets(dl: string): number
  /** Types of the notices for a device about a delivery, oldest first. */
  noticesFor(dl: string, device: string): readonly string[]
  decisions(dl: string): readonly { readonly stage: string; readonly decision: string; readonly reason: string }[]
}

export function serverStore(dataFolder: string): ServerStore {
  function read<T>(sql: string, ...values: string[]): readonly T[] {
    const database = new DatabaseSync(join(dataFolder, 'keyferry.db'), { readOnly: true })
    try {
      return database.prepare(sql).all(...values) as unknown as readonly T[]
    } finally {
      database.close()
    }
  }
  return {
    wrappedOctets: (dl) =>
      read<{ octets: number | null }>('select sum(length(sealed)) as octets from sealed_envelope where dl = ?', dl)[0]
        ?.octets ?? 0,
    noticesFor: (dl, device) =>
      read<{ type: string }>(
        'select type from notice where delivery = ? and recipient = ? order by cursor',
        dl,
        device,
      ).map(({ type }) => type),
    decisions: (dl) =>
      read<{ octets: Uint8Array }>('select octets from decision where dl = ? order by n', dl).map(
        ({ octets }) =>
          JSON.parse(Buffer.from(octets).toString('utf8')) as { stage: string; decision: string; reason: string },
      ),
  }
}
