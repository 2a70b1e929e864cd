import type { Caller } from '../access/caller.ts'

/**
 * Who may look people up, by their exact name or root id, and read the statements found there (PROTOCOL 15, *Whose*). The default:
 * whoever is registered here. A name has to be known as it is written; nothing lists them.
 */
export function mayLookUpPeople(caller: Caller): boolean {
  switch (caller.type) {
    case 'device':
      return caller.device.state === 'active'
    case 'user':
    case 'application':
    case 'operator':
      return true
    case 'newcomer':
      return false
  }
}
