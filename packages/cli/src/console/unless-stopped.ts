import { CliError } from './cli-error.ts'

/**
 * What fails because its human stopped it has not failed: neither is the server away, nor did anybody refuse.
 * @param hint - what to do to have it after all.
 * @throws {CliError} `stopped`
 */
export async function unlessStopped<T>(
  signal: AbortSignal,
  hint: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await work(signal)
  } catch (cause) {
    if (signal.aborted) throw new CliError('stopped', 'you stopped it', { hint, cause })
    throw cause
  }
}
