import type { OpenDevice } from '@keyferry/device'
import type { Invocation } from '../invocation.ts'

const SILENT_MILLISECONDS = 3000

type Client = OpenDevice['client']

/** Says once on a terminal that the server is waited for, beyond what it was asked to hold the request: it may be silent for a minute. */
export function patient(
  { system, output }: Pick<Invocation, 'system' | 'output'>,
  client: Client,
  silentMilliseconds: number = SILENT_MILLISECONDS,
): Client {
  if (system.stderr.isTTY !== true) return client
  let said = false
  const say = (): void => {
    if (said) return
    said = true
    output.say(`waiting for ${new URL(client.origin).host}, which gives no answer yet: a minute at most`)
  }
  return {
    ...client,
    async call(call) {
      const timer = setTimeout(say, silentMilliseconds + 1000 * (call.waitSeconds ?? 0))
      try {
        return await client.call(call)
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
