import type { OpenDevice, Pin } from '@keyferry/device'
import { Command } from 'commander'
import { isUsualName } from '../../console/arguments.ts'
import { CliError } from '../../console/cli-error.ts'
import { withExamples } from '../../console/help.ts'
import { fingerprint } from '../../console/ids.ts'
import { quoted } from '../../console/quoted.ts'
import { withDevice } from '../../device/open.ts'
import { does, type Invocation } from '../../invocation.ts'
import type { System } from '../../system.ts'

interface Options {
  readonly show?: boolean
  readonly remove?: string
}

/** PROTOCOL 3, "Is this root who I think?" (2): compared out of band, stored. */
export function userPinCommand(system: System): Command {
  const command = new Command('pin')
    .summary('believe who somebody is, once and for all')
    .description(
      'Keeps the root id of somebody under a name, as that person gave it to you over a channel that you trust: QR code, in person, a call. Only then can keys be sent there.',
    )
    .argument('[text]', 'what that person’s `keyferry user pin --show` printed')
    .option('--show', 'print your own, for others to pin')
    .option('--remove <user>', 'forget a pin')
  withExamples(command, [
    ['keyferry user pin --show', 'marta shows hers'],
    ["keyferry user pin 'keyferry-user:?v=1&…&n=marta'", 'luis pins it'],
    ['keyferry user pin', 'lists whom you pinned'],
  ])
  return does<Options>(command, system, 'not pinned', async (call, { show, remove }, text) => {
    if (show === true) return showOwn(call)
    if (remove !== undefined) return removePin(call, remove)
    if (text === undefined) return listPins(call)
    const { parsePinText } = await import('@keyferry/protocol')
    const { deviceNames } = await import('../../device/device-names.ts')
    await withDevice(call, async (open) => {
      const { origin, user, username, root } = parsePinText(text)
      if (origin !== open.client.origin) {
        throw new CliError('wrong-use', `${quoted(username)} is at another server`, {
          more: origin,
          hint: `this device is at ${open.client.origin}`,
        })
      }
      refuseConfusion(open, { user, username }, deviceNames(open))
      open.store.pins.put({ user, username, root: root ?? null, how: 'pinned', since: open.now() })
      call.output.answer({ user, username }, [`Pinned ${quoted(username)}   ${fingerprint(user)}`])
      if (!isUsualName(username)) {
        call.output.say('that is no name which `keyferry user invite` gives: look at it twice')
      }
      call.output.say('compare all 64 digits with that person unless you scanned them')
    })
  })
}

/** The name comes from the text: it must not stand for something else here already, nor change what a root is called. */
function refuseConfusion(
  { store }: Pick<OpenDevice, 'store'>,
  { user, username }: Pick<Pin, 'user' | 'username'>,
  devices: ReadonlyMap<string, string>,
): void {
  const own = store.seen.state()
  if (user === own.user) throw new CliError('wrong-use', 'that is you: nobody needs to pin himself')
  const before = store.pins.find(user)
  if (before !== null && before.username !== username) {
    throw new CliError('wrong-use', `you pinned this root already, as "${before.username}"`, {
      more: `The text calls it "${username}".`,
      hint: `if it is to have the new name: keyferry user pin --remove ${quoted(before.username)}, then pin it again`,
    })
  }
  if (username === own.username) {
    throw new CliError('wrong-use', `"${username}" is your own name`, {
      hint: 'two people of one name at one server: ask whoever runs it',
    })
  }
  if ([...devices.values()].includes(username)) {
    throw new CliError('wrong-use', `"${username}" is a device of yours`, {
      hint: `give that another name first: keyferry device name ${quoted(username)} NAME`,
    })
  }
}

async function showOwn(call: Invocation): Promise<void> {
  const { makePinText } = await import('@keyferry/protocol')
  const { stringLines } = await import('../../console/string-lines.ts')
  const { output, system } = call
  await withDevice(call, async (open) => {
    const { user, username } = open.store.seen.state()
    const root = open.store.seen.state().seenUser(user)?.root
    const text = makePinText({
      origin: open.client.origin,
      user,
      username,
      ...(root === undefined || root === user ? {} : { root }),
    })
    output.answer({ pin: text, user, username }, await stringLines(system, text))
    output.say(`others compare: ${fingerprint(user)}`)
  })
}

async function listPins(call: Invocation): Promise<void> {
  await withDevice(call, async (open) => {
    const pins = open.store.pins.list()
    if (pins.length === 0) call.output.none('nobody is pinned yet')
    for (const pin of pins) {
      const how = pin.how === 'pinned' ? '' : '   believed once, never compared'
      call.output.answer(pin, [`${quoted(pin.username)}   ${fingerprint(pin.user)}${how}`])
    }
  })
}

async function removePin(call: Invocation, typed: string): Promise<void> {
  const { choose } = await import('../../console/choose.ts')
  await withDevice(call, async (open) => {
    const pin = choose(
      'user',
      typed,
      open.store.pins.list().map((each) => ({ thing: each, id: each.user, name: each.username })),
    )
    open.store.pins.remove(pin.user)
    call.output.answer({ user: pin.user, username: pin.username }, [
      `${quoted(pin.username)} is no longer pinned: nothing can be sent there`,
    ])
  })
}
