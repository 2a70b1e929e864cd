import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { originArgument, portArgument } from '../console/arguments.ts'
import { CliError } from '../console/cli-error.ts'
import { withExamples } from '../console/help.ts'
import { counted } from '../console/times.ts'
import { isOfThisMachine } from '../device/tls-ca.ts'
import { serverFolder, shortPath } from '../folders.ts'
import { does, type Invocation } from '../invocation.ts'
import type { System } from '../system.ts'

interface Options {
  readonly data?: string
  readonly config?: string
  readonly origin?: string
  readonly host?: string
  readonly port?: number
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly behindProxy?: boolean
  readonly policy?: string
  readonly logLevel?: string
  readonly settings?: boolean
}

export function serveCommand(system: System): Command {
  const command = new Command('serve')
    .summary('run a server')
    .description(
      'Runs a server until Ctrl-C. Without options it serves this machine only, with everything in one folder.',
    )
    .option('--data <folder>', 'where it keeps everything (KEYFERRY_DATA)')
    .option('--origin <url>', 'address by which devices know it; cannot be changed later', originArgument)
    .option('--host <address>', 'address to listen at; default 127.0.0.1')
    .option('--port <number>', 'port to listen at; default 8443', portArgument)
    .option('--tls-cert <file>', 'TLS certificate and chain (PEM); else it is its own CA')
    .option('--tls-key <file>', 'private key of the certificate (PEM)')
    .option('--behind-proxy', 'a proxy does TLS; speak plain HTTP to it')
    .option('--policy <file>', 'Cedar policy to start with')
    .addOption(
      new Option('--log-level <level>', 'what the log of events says').choices(['error', 'warn', 'info', 'debug']),
    )
    .option('--config <file>', 'JSON file with any of the settings')
    .option('--settings', 'print every setting, and what somebody gains who controls it')
  withExamples(command, [
    ['keyferry serve', 'for this machine, at https://localhost:8443'],
    ['keyferry serve --origin https://keys.example --behind-proxy', 'behind a proxy that does TLS'],
    ['keyferry serve --settings', 'all settings, explained'],
  ])
  return does<Options>(command, system, 'not served', async (call, options) =>
    options.settings === true ? printSettings(call) : serve(call, options),
  )
}

async function printSettings({ output }: Invocation): Promise<void> {
  const { SETTING_TEXTS } = await import('@keyferry/server')
  for (const [name, text] of SETTING_TEXTS) output.answer({ name, text }, [output.paint.strong(name), `  ${text}`])
}

async function serve({ system, output }: Invocation, options: Options): Promise<void> {
  const { readServeConfig, startServer } = await import('@keyferry/server')
  const config = readServeConfig(settings(options, system))
  const server = await startServer(config)
  try {
    const { users, devices } = await server.counts()
    const facts = {
      origin: server.origin,
      port: server.port,
      logKey: server.logKey,
      caFile: server.caFile,
      users,
      devices,
    }
    output.say(`serving ${server.origin}   data ${shortPath(config.dataFolder, system.home)}`)
    output.answer(facts, [`log key  ${server.logKey}   ${counted(users, 'user')}, ${counted(devices, 'device')}`])
    if (users === 0) {
      if (isOfThisMachine(server.origin))
        output.say(
          'only this machine reaches that address, and it stays for ever; for others: --origin, --host, new --data',
        )
      output.say("Next: on this machine, `keyferry user invite NAME` makes somebody's first device possible.")
    }
    await stopped(system.interruption())
    output.say('stopping: no new requests, those under way are answered')
  } finally {
    await server.close()
  }
}

/** What is on the command line counts before what is in the file. */
function settings(options: Options, system: System): Record<string, unknown> {
  const { config, data, origin, host, port, tlsCert, tlsKey, behindProxy, policy } = options
  // Somebody who watches wants to hear of trouble; a machine that collects wants to hear it all.
  const logLevel = options.logLevel ?? (config === undefined && system.stderr.isTTY === true ? 'warn' : undefined)
  const given = {
    origin,
    listenHost: host,
    listenPort: port,
    tlsCert,
    tlsKey,
    behindProxy,
    policyFile: policy,
    logLevel,
  }
  const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const file = config === undefined ? {} : readConfig(config)
  const dataFolder =
    data === undefined && typeof file.dataFolder === 'string'
      ? resolve(file.dataFolder)
      : serverFolder(data, system.env, system.home)
  return { ...file, ...named, dataFolder }
}

function readConfig(path: string): Record<string, unknown> {
  const text = readFileSync(path, 'utf8')
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // falls through: the text may hold what should not be shown
  }
  throw new CliError('wrong-use', `${path} is no JSON object`, {
    hint: 'its members are what `keyferry serve --settings` lists',
  })
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
