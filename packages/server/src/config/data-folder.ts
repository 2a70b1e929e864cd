import { join } from 'node:path'
import { makePrivateFolder } from '../files/private-place.ts'

/** Where everything of one server lies: copy it whole, with the server stopped, and the server is copied. */
export interface DataFolder {
  readonly root: string
  /** Deliveries, statements, log leaves. No key octets that it could read. */
  readonly database: string
  /** Signing keys of answers and notices, and of the log. */
  readonly keys: string
  /** CA and certificate that the server makes for itself. */
  readonly tls: string
  /** Whoever may open this socket is an administrator. */
  readonly adminSocket: string
}

/** Its places, whether they are there or not. */
export function dataFolderAt(root: string): DataFolder {
  return {
    root,
    database: join(root, 'keyferry.db'),
    keys: join(root, 'keys'),
    tls: join(root, 'tls'),
    adminSocket: join(root, 'admin.sock'),
  }
}

/**
 * Makes the folder, or checks that nobody but its owner can enter it.
 * @throws {SetupError} `permissions-too-open`
 */
export function openDataFolder(root: string): DataFolder {
  const folder = dataFolderAt(root)
  for (const path of [root, folder.keys, folder.tls]) makePrivateFolder(path)
  return folder
}

/** `~/.local/share/keyferry/server`, or where the XDG base directory specification or Windows says. */
export function defaultDataFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const base = env.XDG_DATA_HOME || env.LOCALAPPDATA || join(home, '.local', 'share')
  return join(base, 'keyferry', 'server')
}
