import { readFileSync } from 'node:fs'
import type { Server as HttpsServer } from 'node:https'
import { KeyferryError, logNameOf } from '@keyferry/protocol'
import { DEFAULT_POLICY } from './access/cedar/default-policy.ts'
import { type CedarEngine, cedarEngine } from './access/cedar/engine.ts'
import { proofWindows } from './access/proof-windows.ts'
import { inTimeOrNot } from './access/time-limit.ts'
import { committing } from './commit.ts'
import { openDataFolder } from './config/data-folder.ts'
import type { ServeConfig } from './config/serve-config.ts'
import type { ServerContext } from './context.ts'
import { buildApp, type KeyferryApp } from './http/app.ts'
import { openLog } from './log/log.ts'
import { type EventLog, eventLog } from './observability/event-log.ts'
import { systemClock, systemRandom } from './ports.ts'
import { tokenBuckets } from './rate/token-buckets.ts'
import { readOnlySwitch } from './read-only.ts'
import { SetupError } from './setup-error.ts'
import { openLogKey, openServerKeys } from './signing/key-files.ts'
import { keyRing } from './signing/key-ring.ts'
import { statementCache } from './signing/statement-cache.ts'
import { META } from './store/meta.ts'
import { openSqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'
import { openServerTls, type ServerTls } from './tls/server-tls.ts'
import { sweep } from './transfers/sweep.ts'
import { wakeups } from './wakeups.ts'

/** A server that serves. */
export interface RunningServer {
  readonly origin: string
  readonly port: number
  /** vkey of the log. */
  readonly logKey: string
  /** PEM of the CA that clients have to trust, if the server is its own CA. */
  readonly caFile: string | null
  readonly adminSocket: string
  counts(): Promise<{ readonly users: number; readonly devices: number }>
  /** Answers what is held, writes down the log's state, closes the store. */
  close(): Promise<void>
}

const SWEEP_SECONDS = 30
const LONGEST_TIMER_SECONDS = 20 * 24 * 3600

/**
 * Reads what the data folder holds, wires everything, and listens: the one place where adapters are chosen.
 * @throws {SetupError} for what an operator can mend before it serves.
 * @throws {KeyferryError} `log-inconsistent` for a restored data folder.
 */
export async function startServer(
  config: ServeConfig,
  log: EventLog = eventLog(config.logLevel),
): Promise<RunningServer> {
  const folder = openDataFolder(config.dataFolder)
  // First: whoever has the database has the folder.
  const store = await openSqliteStore(folder.database)
  let app: KeyferryApp | null = null
  try {
    const isNew = await isWithoutOrigin(store, config.origin)
    const now = systemClock.now()
    const keys = keyRing(openServerKeys(folder.keys, now))
    const tls = await openServerTls(config.tls, { folder: folder.tls, origin: config.origin }, now)
    const treeLog = await openLog({ store, name: logNameOf(config.origin), signer: openLogKey(folder.keys) })
    const bell = wakeups()
    const writing = readOnlySwitch(committing(store, treeLog, bell), (await store.read.meta(META.misfitNote)) !== null)
    const engine = openEngine(config)
    const context: ServerContext = {
      read: store.read,
      commit: writing.commit,
      log: treeLog,
      access: inTimeOrNot(engine, (error) => log.error('decision-failed', { error })),
      statements: statementCache(store.read),
      proofs: proofWindows(config.proofWindowSeconds),
      clock: systemClock,
      random: systemRandom,
      origin: config.origin,
      limits: config.limits,
      suites: config.suites,
    }
    const built = await buildApp({
      context,
      wakeups: bell,
      keys,
      published: { logKey: treeLog.vkey, witnesses: config.witnesses.map(({ vkey }) => vkey), cas: [] },
      goReadOnly: writing.goReadOnly,
      log,
      rates: {
        unsigned: tokenBuckets(perMinute(config.unsignedPerMinute), systemRandom),
        claims: tokenBuckets(perMinute(config.claimsPerMinute), systemRandom),
      },
      tls,
    })
    app = built
    const port = await listen(built, config)
    // Not before: who has to choose another port gets another origin.
    if (isNew) await store.commit([{ kind: 'put-meta', name: META.origin, value: config.origin }])
    await built.listenForOperator(folder.adminSocket)
    const renew = (renewed: ServerTls): void =>
      (built.fastify.server as unknown as HttpsServer).setSecureContext(renewed)
    const stopTimers = startTimers(context, config, log, renew, { tls, folder: folder.tls })
    log.info('serving', { port })
    return {
      origin: config.origin,
      port,
      logKey: treeLog.vkey,
      caFile: tls?.caFile ?? null,
      adminSocket: folder.adminSocket,
      counts: () => store.read.counts(),
      async close() {
        stopTimers()
        await built.close()
        await treeLog.persist().catch((error: unknown) => log.error('log-not-persisted', { error }))
        await store.close()
      },
    }
  } catch (error) {
    await app?.close()
    await store.close()
    throw error
  }
}

/**
 * Every statement names the origin, and the log is named after it: under another one, nothing that is here would count.
 * @returns whether the folder has served under none so far.
 * @throws {SetupError} `origin-changed`
 */
async function isWithoutOrigin(store: Store, origin: string): Promise<boolean> {
  const known = await store.read.meta(META.origin)
  if (known === null || known === origin) return known === null
  throw new SetupError('origin-changed', `serve as before (--origin ${known}), or make another folder with --data`)
}

/** @throws {SetupError} `policy-invalid`; the hint says where and why. */
function openEngine({ policyFile, proofWindowSeconds }: ServeConfig): CedarEngine {
  if (policyFile === null) return cedarEngine(DEFAULT_POLICY, { proofWindowSeconds })
  try {
    return cedarEngine(readFileSync(policyFile, 'utf8'), { proofWindowSeconds })
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error
    const why = error.cause instanceof Error ? error.cause.message : error.message
    throw new SetupError('policy-invalid', `${policyFile}: ${why}`, { cause: error })
  }
}

/** All of a minute at once, then as they come in. */
function perMinute(rate: number): { readonly burst: number; readonly perMinute: number } {
  return { burst: rate, perMinute: rate }
}

async function listen(app: KeyferryApp, { listenHost, listenPort }: ServeConfig): Promise<number> {
  try {
    return await app.listen(listenHost, listenPort)
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    const hint = taken
      ? `port ${listenPort} is taken, perhaps by another server: choose another with --port`
      : `look at --host ${listenHost} and --port ${listenPort}`
    throw new SetupError('address-unusable', hint, { cause })
  }
}

/** What time brings: deadlines, the log's last checkpoint, a certificate that runs out. */
function startTimers(
  context: ServerContext,
  config: ServeConfig,
  log: EventLog,
  renew: (tls: ServerTls) => void,
  current: { readonly tls: ServerTls | null; readonly folder: string },
): () => void {
  const stopping = new AbortController()
  const timers = [
    repeat(SWEEP_SECONDS, () => sweep(context, stopping.signal), log, 'sweep-failed'),
    repeat(config.checkpointSeconds, () => context.log.persist(), log, 'log-not-persisted'),
  ]
  let renewAt = current.tls?.renewAt ?? null
  if (renewAt !== null) {
    const seconds = Math.min(Math.max(renewAt - context.clock.now(), 60), LONGEST_TIMER_SECONDS)
    const again = async (): Promise<void> => {
      if (renewAt === null || context.clock.now() < renewAt) return
      const renewed = await openServerTls(
        config.tls,
        { folder: current.folder, origin: config.origin },
        context.clock.now(),
      )
      renewAt = renewed?.renewAt ?? null
      if (renewed !== null) renew(renewed)
    }
    timers.push(repeat(seconds, again, log, 'certificate-not-renewed'))
  }
  return () => {
    stopping.abort()
    for (const timer of timers) clearInterval(timer)
  }
}

/** Runs it again and again, one at a time; a failure is logged and tried again. */
function repeat(seconds: number, action: () => Promise<unknown>, log: EventLog, event: string): NodeJS.Timeout {
  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    action()
      .catch((error: unknown) => log.error(event, { error }))
      .finally(() => {
        running = false
      })
  }, seconds * 1000)
  timer.unref()
  return timer
}
