import type { DeviceStore } from '@keyferry/device'
import type { Candidate } from './candidates.ts'

/**
 * Names that this device knows, for TAB: labels of keys, names of devices and people, numbers of questions. Read without the passphrase,
 * since none of them is secret, and without network; whatever fails offers nothing.
 */
export async function namesKnown(profile: string, kind: string): Promise<readonly Candidate[]> {
  if (!KINDS.has(kind)) return []
  const { hasDeviceStore, openDeviceStore } = await import('@keyferry/device')
  let store: DeviceStore | null = null
  try {
    if (!hasDeviceStore(profile)) return []
    store = openDeviceStore(profile)
    if (kind === 'key') return store.keys.list().map(({ label, key }) => ({ value: label, meaning: key.type }))
    if (kind === 'number') return store.questions.open().map((_, i) => ({ value: String(i + 1), meaning: '' }))
    const people = store.pins.list().map(({ username }) => ({ value: username, meaning: 'pinned' }))
    if (kind === 'user') return people
    const { deviceNames } = await import('../device/device-names.ts')
    const own = [...deviceNames({ folder: profile, store }).values()].map((value) => ({ value, meaning: 'device' }))
    return [...own, ...people]
  } catch {
    return []
  } finally {
    store?.close()
  }
}

const KINDS: ReadonlySet<string> = new Set(['key', 'device', 'user', 'number'])
