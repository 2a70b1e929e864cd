import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Device } from './child.ts'

/** Folders of the demo: one for the server, one for each device, nothing shared, all gone at the end. */
export interface Places {
  readonly root: string
  readonly home: string
  readonly server: string
  readonly serverLog: string
  readonly laptop: Device
  readonly phone: Device
  readonly tablet: Device
  remove(): void
}

export function makePlaces(): Places {
  const root = mkdtempSync(join(tmpdir(), 'keyferry-demo-'))
  const device = (name: string): Device => ({ name, folder: join(root, name, 'profile') })
  const home = join(root, 'home')
  mkdirSync(home)
  mkdirSync(join(root, 'server'), { mode: 0o700 })
  for (const name of ['laptop', 'phone', 'tablet']) mkdirSync(join(root, name), { mode: 0o700 })
  return {
    root,
    home,
    server: join(root, 'server', 'data'),
    serverLog: join(root, 'server', 'events.log'),
    laptop: device('laptop'),
    phone: device('phone'),
    tablet: device('tablet'),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** A port of this machine that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
