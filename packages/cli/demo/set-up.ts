import { join } from 'node:path'
import { answers, type Device, ended, keyferry, start } from './child.ts'
import type { Places } from './places.ts'
import { must } from './timeline.ts'

/** marta has a laptop and a phone, luis a tablet; each has compared who the other is. This part needs them online together. */
export async function setUp(places: Places): Promise<void> {
  const { laptop, phone, tablet } = places
  await Promise.all([firstDevice(places, 'marta', laptop), firstDevice(places, 'luis', tablet)])
  await Promise.all([secondDevice(places, laptop, phone), pin(places, tablet, laptop)])
  await pin(places, laptop, tablet)
}

function withCa({ server }: Pick<Places, 'server'>): readonly string[] {
  return ['--tls-ca', join(server, 'tls', 'ca.pem'), '--no-passphrase']
}

export async function firstDevice(
  places: Pick<Places, 'home' | 'server'>,
  username: string,
  device: Device,
): Promise<void> {
  const { home, server } = places
  const invited = await keyferry(home, null, ['user', 'invite', username, '--data', server])
  const invitation = String(invited.objects[0]?.invitation)
  must(invited.exit === 0, `${username} could not be invited: ${invited.stderr}`)
  const made = await keyferry(home, device, ['init', '--name', device.name, ...withCa(places)], invitation)
  must(made.exit === 0, `${device.name} could not be made: ${made.stderr}`)
}

/** The string goes from one device to the other as a QR code would: past the server. */
export async function secondDevice(
  places: Pick<Places, 'home' | 'server'>,
  paired: Device,
  fresh: Device,
): Promise<void> {
  const adding = start(places.home, paired, ['device', 'add', '--yes', '--name', fresh.name])
  const said = answers(adding)
  const first = await said.next()
  if (first.done === true) throw new Error(`${paired.name} could not invite: ${(await ended(adding)).stderr}`)
  const joined = await keyferry(
    places.home,
    fresh,
    ['join', '--name', fresh.name, ...withCa(places)],
    String(first.value.pairing),
  )
  must(joined.exit === 0, `${fresh.name} could not join: ${joined.stderr}`)
  for await (const _rest of said) {
    // until it ends
  }
  const added = await ended(adding)
  must(added.exit === 0, `${fresh.name} was not added: ${added.stderr}`)
}

async function pin({ home }: Places, who: Device, whom: Device): Promise<void> {
  const shown = await keyferry(home, whom, ['user', 'pin', '--show'])
  const pinned = await keyferry(home, who, ['user', 'pin', String(shown.objects[0]?.pin)])
  must(pinned.exit === 0, `${who.name} could not pin: ${pinned.stderr}`)
}
