import { join } from 'node:path'
import { type InstallRule, type KeyRecord, makeSinks, type OpenDevice } from '@keyferry/device'
import { readNotes } from './profile-notes.ts'

export interface InstallPlaces {
  /** Every received key becomes a file in this folder; null: only those with a rule of their own (`key save --follow`). */
  readonly folder: string | null
}

/** Where a received key goes beside the key store. What its human said once for this key counts before the folder. */
export function installRule(open: OpenDevice, { folder }: InstallPlaces): InstallRule {
  const sinks = makeSinks(() => {})
  return {
    async place(key, record) {
      const followed = readNotes(open.folder, 'install-rules.json').get(key.id)
      const path = followed ?? (folder === null ? null : join(folder, fileName(record)))
      if (path === null) return null
      const octets = open.device.exportKey(key.id, key.generation)
      try {
        // A rule for this very key lets a later generation replace an earlier one; the folder alone lets nothing be replaced.
        return sinks.file.put({ type: key.type, octets, label: record.label }, { path, force: followed !== undefined })
      } finally {
        octets.fill(0)
      }
    },
  }
}

/** A label as a file name that stays inside its folder, whatever somebody wrote into it. */
export function fileName({ label, key }: Pick<KeyRecord, 'label' | 'key'>): string {
  const name = label
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[.-]+/, '')
  return name === '' ? key.id.slice(44, 52) : name.slice(0, 100)
}
