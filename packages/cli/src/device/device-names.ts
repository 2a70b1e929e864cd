import type { OpenDevice } from '@keyferry/device'
import { CliError } from '../console/cli-error.ts'
import { deviceFingerprint } from '../console/ids.ts'
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

/** @throws {CliError} `wrong-use` if another device has this name. */
export function nameDevice(open: Named, device: string, name: string): void {
  const taken = [...deviceNames(open)].some(([id, other]) => other === name && id !== device)
  if (taken) throw new CliError('wrong-use', `another device is called "${name}"`, { hint: 'choose another name' })
  const own = open.store.identity.find()
  if (own !== null && own.device === device) open.store.identity.put({ ...own, label: name })
  else writeNote(open.folder, 'device-names.json', device, name)
}
