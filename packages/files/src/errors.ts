/** Whether the system refused something for this reason: `ENOENT`, `EEXIST` ... */
export function isSystemError(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && error.code === code
}
