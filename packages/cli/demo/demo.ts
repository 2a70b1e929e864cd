/**
 * `npm run demo [-- --once] [-- --key FILE]`: a key goes from a laptop to a phone that is never online with it, through a server that
 * never learns it. Server and devices are processes of their own with folders of their own, driven by the `keyferry` command as people
 * type it. Everything is on this machine, in a temporary folder, and gone at the end.
 */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ServerProcess, startServerProcess } from './child.ts'
import { tryHostileServer } from './hostile-try.ts'
import { DemoMisuse, type DemoOptions, readOptions, USAGE } from './options.ts'
import { freePort, makePlaces, type Places } from './places.ts'
import { proveSameKey, proveServerIsBlind } from './proofs.ts'
import { setUp } from './set-up.ts'
import { makeSshKey } from './ssh.ts'
import { ferryToLuis, ferryToPhone } from './story.ts'
import { more } from './timeline.ts'

const options = optionsOrEnd()

const started = Date.now()
const places = makePlaces()
const port = await freePort()
const origin = `https://localhost:${port}`
const serve = (): Promise<ServerProcess> =>
  startServerProcess(places.home, places.serverLog, ['--data', places.server, '--port', String(port)])

let server: ServerProcess | null = null
let stopping = false
async function end(): Promise<void> {
  if (stopping) return
  stopping = true
  await server?.stop()
  places.remove()
}
/** Once the story is told, Ctrl-C is how it ends. */
let told = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void end().then(() => process.exit(told ? 0 : 130)))
}

try {
  server = await serve()
  const keyFile = join(places.laptop.folder, '..', 'id_ed25519')
  const maker = options.key === null ? `made by ${makeSshKey(keyFile)}` : copyKey(options.key, keyFile)
  await setUp(places)
  more(`a server at ${origin}; marta has laptop and phone, luis a tablet; each with a folder of its own`)
  more(`the key: ${options.key === null ? 'an OpenSSH Ed25519 key ' : ''}${maker}`)
  const onPhone = await ferryToPhone(places, keyFile)
  const onTablet = await ferryToLuis(places)
  proveSameKey(keyFile, { phone: onPhone, tablet: onTablet })
  proveServerIsBlind(places, server, keyFile, origin)
  await server.stop()
  await tryHostileServer(places, { origin, port })
  more(`done in ${((Date.now() - started) / 1000).toFixed(0)} s`)
  if (options.once) await end()
  else {
    server = await serve()
    told = true
    inviteToTry(places)
  }
} catch (error) {
  await end()
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** Said before anything is started. */
function optionsOrEnd(): DemoOptions {
  try {
    const read = readOptions(process.argv.slice(2))
    if (read !== null) return read
    console.log(USAGE)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof DemoMisuse)) throw error
    console.error(`demo: not started: ${error.message}\n${USAGE}`)
    process.exit(2)
  }
}

function copyKey(from: string, to: string): string {
  copyFileSync(from, to)
  return `a copy of ${from}`
}

function inviteToTry({ laptop, home }: Places): void {
  console.log(`
The server goes on at ${origin}. In another terminal, as marta's laptop:
  export HOME=${home} KEYFERRY_PROFILE=${laptop.folder}
  npx keyferry transfer list
  npx keyferry doctor
Ctrl-C stops it and removes everything.`)
}
