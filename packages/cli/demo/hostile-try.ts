import { keyferry, startServerProcess } from './child.ts'
import { startHostileServer } from './hostile-server.ts'
import { freePort, type Places } from './places.ts'
import { LABEL } from './story.ts'
import { must, tell } from './timeline.ts'

export interface HostileTry {
  readonly origin: string
  readonly port: number
}

/**
 * The server turns bad: whoever runs it has its TLS key and its signing key, and names a transport key of his own as phone's. laptop must
 * refuse before anything is wrapped. The honest server works on behind it, in plain HTTP.
 */
export async function tryHostileServer(places: Places, { origin, port }: HostileTry): Promise<void> {
  const { home, laptop, phone, server, serverLog } = places
  const honestPort = await freePort()
  const behind = ['--data', server, '--origin', origin, '--port', String(honestPort), '--behind-proxy']
  const honest = await startServerProcess(home, serverLog, behind)
  try {
    const hostile = await startHostileServer({ origin, port, dataFolder: server, honestPort })
    try {
      const sent = await keyferry(home, laptop, ['send', LABEL, '--to', phone.name, '--again', '--no-wait'])
      must(sent.exit === 4 && sent.stderr.includes('transport-key-unknown'), `laptop did not refuse: ${sent.stderr}`)
      must(hostile.deeds.swapped > 0, 'the hostile server did nothing')
      must(hostile.deeds.envelopes === 0, 'something was wrapped')
      tell('', "hostile try: the server names a key of its own as phone's, all signed as it should be")
      tell('', 'laptop refused: transport-key-unknown, exit code 4; wrapped keys that reached the server: 0')
    } finally {
      await hostile.close()
    }
  } finally {
    await honest.stop()
  }
}
