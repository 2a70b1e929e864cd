import { dirname, join } from 'node:path'
import { fileHolds, type KeyRecord, makeSinks, type OpenDevice } from '@keyferry/device'
import { readNotes } from './profile-notes.ts'

export interface InstallPlaces {
  /** Every received key becomes a file in this folder; null: only those with a rule of their own (`key save --follow`). */
  readonly folder: string | null
}

export interface InstallPath {
  readonly path: string
  /** A rule for this very key lets a later generation take the place of an earlier one; the folder alone replaces nothing. */
  readonly replace: boolean
}

/** Where a received key goes beside the key store. What its human said for this key counts before the folder. */
export function installPath(
  open: Pick<OpenDevice, 'folder'>,
  { key, label }: KeyRecord,
  { folder }: InstallPlaces,
): InstallPath | null {
  const followed = readNotes(open.folder, 'install-rules.json').get(key.id)
  if (followed !== undefined) return { path: followed, replace: true }
  return folder === null ? null : { path: join(folder, fileName(label, key.id)), replace: false }
}

/**
 * The file of this folder that is this very generation already; `null` if there is none. A process that died between filing a key and
 * saying so has left one, under the name that the key had then.
 */
export function filedBefore(
  { device }: Pick<OpenDevice, 'device'>,
  { key, file }: KeyRecord,
  { folder }: InstallPlaces,
): string | null {
  if (file === null || folder === null || dirname(file) !== folder) return null
  const octets = device.exportKey(key.id, key.generation)
  try {
    return fileHolds(file, { type: key.type, octets }) ? file : null
  } finally {
    octets.fill(0)
  }
}

/** @returns where it is now. */
export function saveKey(open: OpenDevice, { key, label }: KeyRecord, { path, replace }: InstallPath): string {
  const octets = open.device.exportKey(key.id, key.generation)
  try {
    return makeSinks(() => {}).file.put({ type: key.type, octets, label }, { path, force: replace })
  } finally {
    octets.fill(0)
  }
}

/** The name that a key has on this device, as a file name that stays inside its folder. No name from the server gets here. */
export function fileName(label: string, keyId: string): string {
  const name = label
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[.-]+/, '')
  return name === '' ? keyId.slice(44, 52) : name.slice(0, 100)
}
