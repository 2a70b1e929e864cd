import { Command } from 'commander'
import { columns } from '../../console/columns.ts'
import { withExamples } from '../../console/help.ts'
import { fingerprint } from '../../console/ids.ts'
import { counted, pointInTime } from '../../console/times.ts'
import { serverFolder } from '../../folders.ts'
import { does } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly data?: string
}

export function userListCommand(system: System): Command {
  const command = new Command('list')
    .summary('everybody on this server (on the server)')
    .description('Lists the users of the server on this machine, with their root ids and how many devices they have.')
    .option('--data <folder>', 'data folder of the server (KEYFERRY_DATA)')
  withExamples(command, [
    ['keyferry user list', ''],
    ["keyferry user list --json | jq -r 'select(.admin).username'", 'who administers'],
  ])
  return does<Options>(command, system, 'not listed', async ({ output }, { data }) => {
    const { serverUsers } = await import('../../operator/users.ts')
    const all = await Array.fromAsync(serverUsers(serverFolder(data, system.env, system.home)))
    const users = all.toSorted((a, b) => (a.username < b.username ? -1 : 1))
    if (users.length === 0) output.none('nobody yet: keyferry user invite NAME')
    const rows = columns(
      users.map(({ username, user, devices, createdAt, admin }) => [
        username,
        fingerprint(user, 16),
        countOf(devices),
        `since ${pointInTime(createdAt, system.now())}`,
        admin ? 'administrator' : '',
      ]),
    )
    for (const [i, user] of users.entries()) output.answer(user, [rows[i] ?? ''])
  })
}

function countOf(devices: readonly { readonly state: string }[]): string {
  return counted(devices.filter(({ state }) => state !== 'revoked').length, 'device')
}
