/**
 * A Keyferry server as its own process, for the programs beside it: `server.ts DATA-FOLDER PORT`. Plain HTTP, as behind a proxy:
 * what TLS costs is the same for everybody. Says over IPC when it serves, and ends with the channel.
 */
import { readServeConfig, startServer } from '@keyferry/server'
import { ORIGIN } from '@keyferry/testkit'

const [dataFolder, port] = process.argv.slice(2)
const server = await startServer(
  readServeConfig({ dataFolder, listenPort: Number(port), origin: ORIGIN, behindProxy: true, logLevel: 'error' }),
)
process.send?.({ adminSocket: server.adminSocket })
process.once('disconnect', async () => {
  await server.close()
  process.exit()
})
