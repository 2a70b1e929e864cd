import type { ErrorDetails } from '@keyferry/protocol'
import { CLOCK_HINT } from './hints.ts'

const OLDER_LOG_HINT =
  'send nothing now; ask whoever runs the server, who brings its newest data back or begins a new log: keyferry log new there'

const OF_REASON: ReadonlyMap<unknown, string> = new Map([
  [
    'root-outdated',
    'what the root here signed last counts nowhere: do it on the device that replaced it; if that was not you, keep what `keyferry log alarms` shows',
  ],
  [
    'set-elsewhere',
    'another device of yours signed it, or somebody who has your root key: keyferry root resume shows what it lists; if it is to sign them: keyferry root remove here',
  ],
  [
    'owner-unopenable',
    'eight keys of that owner could not be opened here; when you know why, listen again: keyferry log alarms, and --lift',
  ],
  ['disk-full', 'make room on the disk that holds the folder, and run it again'],
  ['disk-read-only', 'let yourself write in the folder of this device: ls -ld there; is the disk mounted read-only?'],
])

/** What to do now, where the details of an error say more than its code. */
export function hintForDetails(details: ErrorDetails | undefined): string | null {
  if (details?.skewSeconds !== undefined) return CLOCK_HINT
  if (details?.olderThan !== undefined) return OLDER_LOG_HINT
  return OF_REASON.get(details?.reason) ?? null
}
