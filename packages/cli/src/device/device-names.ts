import type { OpenDevice } from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import { deviceFingerprint } from '../console/ids.ts'
import { nameToKeep } from './names.ts'
import { readNotes, writeNote } from './profile-notes.ts'

type Named = Pick<OpenDevice, 'folder' | 'store'>

/** What the human here calls devices, by device id, the own one among them. Nobody else sees it; what counts is the id. */
export function deviceNames({ folder, store }: Named): ReadonlyMap<string, string> {
  const own = store.identity.find()
  const names = new Map(readNotes(folder, 'device-names.json'))
  return own === null ? names : names.set(own.device, own.label)
}

/** Its name here, or what people compare. */
export function nameOfDevice(open: Named, device: string): string {
  return deviceNames(open).get(device) ?? deviceFingerprint(device)
}

/**
 * @returns the name as it is kept.
 * @throws {CliError} `wrong-use` if it cannot be one, or another device has it.
 */
export function nameDevice(open: Named, device: string, typed: string): string {
  const name = freeDeviceName(open, typed, device)
  const own = open.store.identity.find()
  if (own !== null && own.device === device) open.store.identity.put({ ...own, label: name })
  else writeNote(open.folder, 'device-names.json', device, name)
  return name
}

/**
 * A name that no other device has here, as it would be kept.
 * @param device - which may have it already.
 * @throws {CliError} `wrong-use`
 */
export function freeDeviceName(open: Named, typed: string, device?: string): string {
  const name = nameToKeep('device', typed, 'choose another name')
  const taken = [...deviceNames(open)].some(([id, other]) => other === name && id !== device)
  if (taken) throw new CliError('wrong-use', `another device is called "${name}"`, { hint: 'choose another name' })
  return name
}
