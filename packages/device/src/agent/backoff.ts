const FIRST_SECONDS = 1
const MOST_SECONDS = 300

/** Waits after failures in a row: doubling from one second to five minutes, each between half and all of it, so that devices spread. */
export function backoffSeconds(failures: number, random: () => number): number {
  const full = Math.min(FIRST_SECONDS * 2 ** Math.min(failures, 16), MOST_SECONDS)
  return full / 2 + (full / 2) * random()
}
