import { KeyferryError } from '@keyferry/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventLog } from './event-log.ts'
import type { LogFields } from './log-fields.ts'

const SECRET = 'AGE-SECRET-KEY-1QQQQ'
const CODE = '3v0k5s8wc31gks89569erpva0k'

/** What the log says about these fields, whatever the compiler thinks of them. */
function logged(fields: object, event = 'request'): string {
  const lines: string[] = []
  eventLog('debug', { write: (line) => void lines.push(line) }).info(event, fields as LogFields)
  return lines.join('')
}
const read = (fields: object, event?: string): unknown => JSON.parse(logged(fields, event))

describe('the log of events', () => {
  it('says what is on its list', () => {
    const fields = {
      method: 'PUT',
      route: '/v1/deliveries/:dl/receipts/:attempt',
      status: 201,
      durationMs: 4.2,
      reason: 'default/own-devices',
      dl: 'dl_0kz5s8wc31gks89569erpva0kj',
      device: 'WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc',
    }
    expect(read(fields)).toEqual({ level: 'info', time: expect.any(String), event: 'request', ...fields })
  })

  it('never says anything else: a body, an unknown field, a nested one', () => {
    const text = logged({
      body: { key: SECRET },
      octets: SECRET,
      headers: { cookie: SECRET },
      status: { toJSON: () => SECRET },
    })
    expect(text).not.toContain(SECRET)
    expect(JSON.parse(text)).toEqual({ level: 'info', time: expect.any(String), event: 'request', dropped: 4 })
  })

  it('lets nothing pass for a slug or a route that is none', () => {
    for (const value of [SECRET, CODE, `code-${CODE}`, 'two words', 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6']) {
      expect(logged({ reason: value, code: value, state: value }, value)).not.toContain(value)
    }
    expect(logged({ route: '/v1/users?name=marta' })).not.toContain('marta')
    expect(logged({ dl: CODE, device: CODE, key: CODE })).not.toContain(CODE)
  })

  it('says of an error what it is and where, not its message', () => {
    const cause = new TypeError(`cannot read ${SECRET}`)
    const error = new KeyferryError('envelope-malformed', `no\n    at ${SECRET} (/x.ts:1:1)`, {}, { cause })
    const text = logged({ error })
    expect(text).not.toContain(SECRET)
    expect(JSON.parse(text)).toMatchObject({
      error: {
        name: 'KeyferryError',
        code: 'envelope-malformed',
        at: expect.arrayContaining([expect.stringContaining('event-log.test.ts')]),
        cause: { name: 'TypeError' },
      },
    })
    expect(logged({ error: SECRET })).not.toContain(SECRET)
    expect(
      logged({ error: Object.assign(new Error(SECRET), { name: SECRET, code: SECRET, secret: SECRET }) }),
    ).not.toContain(SECRET)
  })

  it('keeps a marker out wherever it stands', () => {
    const marker = 'S3CRET marker'
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.constantFrom(marker, [marker], { a: marker }, { [marker]: 1 })),
        (fields) => {
          expect(logged({ ...fields, [marker]: 1 })).not.toContain(marker)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('is silent below its level', () => {
    const lines: string[] = []
    eventLog('warn', { write: (line) => void lines.push(line) }).info('request')
    expect(lines).toEqual([])
  })
})
