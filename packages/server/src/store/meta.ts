/** What a server remembers of itself, by name. */
export const META = {
  /** Under which it serves, for ever. */
  origin: 'origin',
  /** The last checkpoint that it signed: a smaller or other tree at the next start is noticed. */
  lastCheckpoint: 'log-checkpoint',
  /** The note which did not fit the log: as long as it is there, the server starts read-only (PROTOCOL 10). */
  misfitNote: 'log-misfit',
} as const
