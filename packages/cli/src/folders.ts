import { join, resolve } from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** Where a device keeps what it has: `--profile`, KEYFERRY_PROFILE, or where the system keeps such things. */
export function profileFolder(given: string | undefined, env: Env, home: string): string {
  const chosen = given ?? (env.KEYFERRY_PROFILE || undefined)
  return chosen === undefined ? join(dataHome(env, home), 'keyferry', 'device') : resolve(chosen)
}

/** Where a server keeps what it has: `--data`, KEYFERRY_DATA, or where the system keeps such things. */
export function serverFolder(given: string | undefined, env: Env, home: string): string {
  const chosen = given ?? (env.KEYFERRY_DATA || undefined)
  return chosen === undefined ? join(dataHome(env, home), 'keyferry', 'server') : resolve(chosen)
}

/** XDG base directory specification; on Windows the place for local application data. */
function dataHome(env: Env, home: string): string {
  return env.XDG_DATA_HOME || env.LOCALAPPDATA || join(home, '.local', 'share')
}

/** A path as people write it. */
export function shortPath(path: string, home: string): string {
  return path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}
