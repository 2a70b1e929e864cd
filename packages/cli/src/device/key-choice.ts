import type { KeyRecord, OpenDevice } from '@keyferry/device'
import { choose } from '../console/choose.ts'

/** The key that somebody named by its label or by the beginning of its id. */
export function chooseKey(open: Pick<OpenDevice, 'store'>, typed: string): KeyRecord {
  const all = open.store.keys.list()
  return choose(
    'key',
    typed,
    all.map((record) => ({ thing: record, id: record.key.id, name: record.label })),
  )
}
