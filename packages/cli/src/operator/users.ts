import { operatorCall } from './call.ts'

/** What an administrator sees of a user. */
export interface ServerUser {
  readonly user: string
  readonly username: string
  readonly admin: boolean
  readonly createdAt: number
  readonly devices: readonly { readonly id: string; readonly kind: string; readonly state: string }[]
}

/** All users of the server of a data folder, page by page. */
export async function* serverUsers(dataFolder: string): AsyncGenerator<ServerUser> {
  for (let cursor: string | undefined; ; ) {
    const path = `/v1/users?limit=200${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const page = await operatorCall<{ items: ServerUser[]; next?: string }>(dataFolder, { method: 'GET', path })
    yield* page.items
    if (page.next === undefined) return
    cursor = page.next
  }
}
