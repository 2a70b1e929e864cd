import { KeyferryError } from '@keyferry/protocol'
import type { FastifyInstance, RouteOptions } from 'fastify'

/** Which methods each address has. Gathered while routes are added. */
export interface KnownAddresses {
  add(route: RouteOptions): void
  /** Makes every other method of each address a signed 405 with `Allow`. */
  refuseOtherMethods(app: FastifyInstance): void
}

export function knownAddresses(): KnownAddresses {
  const addresses = new Map<string, { methods: Set<string>; open: boolean }>()
  let complete = false
  return {
    add(route) {
      if (complete) return
      const known = addresses.get(route.url) ?? { methods: new Set<string>(), open: false }
      for (const method of [route.method].flat()) known.methods.add(method)
      known.open ||= route.config?.open === true
      addresses.set(route.url, known)
    },
    refuseOtherMethods(app) {
      complete = true
      for (const [url, { methods, open }] of addresses) {
        const allow = [...methods].sort().join(', ')
        app.route({
          method: app.supportedMethods.filter((method) => !methods.has(method)),
          url,
          schema: { hide: true },
          config: { open, callers: EVERYBODY, accessKey: true },
          handler: async (_request, reply) => {
            reply.header('allow', allow)
            throw new KeyferryError('method-not-allowed', 'this address does not have this method')
          },
        })
      }
    },
  }
}

/** Who asks for what is not there learns that, whoever he is. */
const EVERYBODY = ['device', 'user', 'application', 'newcomer'] as const

/**
 * No address of ours has an escaped character in its path, so one with a `%` is none: else one thing would have many
 * addresses, and broken escapes would be answered by the router, unsigned. Nor has one an empty part, which the router takes for
 * a parameter: there is no id that is empty.
 */
export function plainAddress(url: string): string {
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  const isPlain = path === '/' || !(path.includes('%') || path.includes('//') || path.endsWith('/'))
  return isPlain ? url : NOWHERE
}

const NOWHERE = '/nowhere'
