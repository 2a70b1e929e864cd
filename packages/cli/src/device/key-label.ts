import { type AgentEvent, type KeyRecord, labelOfKey, type OpenDevice } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'
import { isName } from './names.ts'

/**
 * A key that arrives has no name here yet. What its owner calls it stands in the server's catalogue: good enough for people to read,
 * and for nothing else (PROTOCOL 2.4: a hint). Kept unless the name is taken here, or nobody could give it here.
 */
export async function labelToTake(open: OpenDevice, record: KeyRecord): Promise<string> {
  const label = await labelInCatalogue(open, record.key.id)
  return label === null || open.store.keys.labelled(label).length > 0 ? record.label : label
}

/** Keeps what a key that came is called from now on, and where it went, unless somebody was first. */
export function rename(
  open: Pick<OpenDevice, 'store'>,
  record: KeyRecord,
  { label, file }: Pick<KeyRecord, 'label' | 'file'>,
): void {
  const current = open.store.keys.find(record.key.id)
  if (current === null || current.label !== record.label) return
  if (current.label === label && (file === null || current.file === file)) return
  open.store.keys.put({ ...current, label, file: file ?? current.file })
}

async function labelInCatalogue(open: OpenDevice, id: string): Promise<string | null> {
  try {
    const label = await labelOfKey(open, id)
    return label !== null && isName(label) ? label : null
  } catch (error) {
    if (error instanceof KeyferryError || (error instanceof Error && error.name === 'UnreachableError')) return null
    throw error
  }
}

/** The event under the name that the key has by now. */
export function relabelled(event: AgentEvent, labels: ReadonlyMap<string, string>): AgentEvent {
  return event.kind === 'installed' ? { ...event, label: labels.get(event.label) ?? event.label } : event
}
