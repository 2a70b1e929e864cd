import { type DestinationStream, destination, pino } from 'pino'
import { allowedFields, eventName, type LogFields } from './log-fields.ts'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** What happened, as one JSON object a line. `event` is a slug of ours: `delivery-released`. */
export interface EventLog {
  error(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  debug(event: string, fields?: LogFields): void
}

/**
 * The only way to the log. Whatever is not on the list of LogFields, or does not look like what that field holds, stays out,
 * at run time too: a body that is passed by mistake is counted, not written.
 *
 * @param to - Where lines go: standard error unless a test says otherwise.
 */
export function eventLog(level: LogLevel, to: DestinationStream = destination(2)): EventLog {
  const lines = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    to,
  )
  function at(one: LogLevel): EventLog['info'] {
    return (event, fields = {}) => {
      if (lines.isLevelEnabled(one)) lines[one](allowedFields(fields), eventName(event))
    }
  }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}
