import type { ErrorDetails } from '@keyferry/protocol'
import { CLOCK_HINT } from './hints.ts'

const OLDER_LOG_HINT =
  'send nothing now; ask whoever runs the server, who brings its newest data back or has a new log begun: docs/operating.md'

/** What to do now, where the details of an error say more than its code. */
export function hintForDetails(details: ErrorDetails | undefined): string | null {
  if (details?.skewSeconds !== undefined) return CLOCK_HINT
  return details?.olderThan === undefined ? null : OLDER_LOG_HINT
}
