import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keyferry, type Ran } from './child.ts'
import type { Places } from './places.ts'
import { serverStore } from './server-store.ts'
import { more, must, tell } from './timeline.ts'

/** The key as laptop calls it. */
export const LABEL = 'demo ssh key'

interface Delivery {
  readonly dl: string
  readonly source: string
  readonly target: string
  readonly state: string
}

/** E1 to E10 from laptop to phone, which are never there together. Resolves to where phone has filed the key. */
export async function ferryToPhone(places: Places, keyFile: string): Promise<string> {
  const { home, laptop, phone, server } = places
  const store = serverStore(server)
  const added = await keyferry(home, laptop, ['key', 'add', keyFile, '--label', LABEL, '--shared'])
  must(added.exit === 0, `laptop did not take the key: ${added.stderr}`)

  const sent = await keyferry(home, laptop, ['send', LABEL, '--to', phone.name, '--no-wait'])
  const delivery = deliveryOf(sent)
  const { dl, source, target } = delivery
  const first = store.decisions(dl).find(({ stage }) => stage === 'ac1')
  const here = 'laptop online, phone off'
  tell('E1', `laptop asks: "${LABEL}" -> phone`, here)
  must(first?.decision === 'permit', 'the first decision is not there')
  tell('E2', `first decision: permitted (${first.reason})`, here)
  must(
    store.noticesFor(dl, source).some((type) => type.includes('source-requested')),
    'laptop was not told',
  )
  tell('E3', 'notice to laptop (inbox)', here)
  tell('S1-S3', "laptop gets phone's public key and checks who signed it, and the log", here)
  tell('E4', `wrapped ${wrappedWith(sent)}, signed by laptop`, here)
  must(delivery.state === 'deposited' && store.wrappedOctets(dl) > 0, 'the wrapped key was not deposited')
  tell('E5', `deposited: ${store.wrappedOctets(dl)} octets that the server cannot open`, here)
  more('laptop goes offline')

  const folder = join(phone.folder, '..', 'keys')
  mkdirSync(folder, { mode: 0o700 })
  const online = 'laptop off, phone online'
  const took = await keyferry(home, phone, ['agent', '--once', '--save-to', folder])
  must(
    took.exit === 0 && took.objects.some(({ kind }) => kind === 'installed'),
    `phone did not take the key: ${took.stderr}`,
  )
  const second = store.decisions(dl).find(({ stage }) => stage === 'ac2')
  must(second?.decision === 'permit', 'the second decision is not there')
  tell('E6', `second decision: permitted (${second.reason})`, online)
  must(
    store.noticesFor(dl, target).some((type) => type.includes('target-available')),
    'phone was not told',
  )
  tell('E7', 'notice to phone (inbox)', online)
  tell('T1-T3', 'phone gets what the key was wrapped for and checks it, and the log', online)
  tell('E8, E9', 'phone collects the wrapped key, signed request and signed answer', online)
  must(
    took.objects.some(({ kind, outcome }) => kind === 'receipted' && outcome === 'installed'),
    'phone signed no receipt',
  )
  tell('E10', 'phone unwrapped and installed it; receipt signed', online)
  must(store.wrappedOctets(dl) === 0, 'the server still holds the wrapped key')
  more('wrapped key erased at the server: 0 octets left')

  const later = await keyferry(home, laptop, ['agent', '--once'])
  must(
    later.objects.some(({ kind, state }) => kind === 'finished' && state === 'completed'),
    'laptop saw no end',
  )
  must(!later.objects.some(({ kind }) => kind === 'problem'), 'the receipt of phone is not good')
  tell('', "later: laptop finds phone's receipt and checks its signature", 'laptop online, phone off')
  const [file] = readdirSync(folder)
  must(file !== undefined, 'phone filed no key')
  return join(folder, file)
}

/** The same key to somebody else: luis, whom marta has pinned, says yes to marta's keys first. */
export async function ferryToLuis(places: Places): Promise<string> {
  const { home, laptop, tablet } = places
  const sent = await keyferry(home, laptop, ['send', LABEL, '--to', 'luis', '--no-wait'])
  must(deliveryOf(sent).state === 'deposited', `nothing was sent to luis: ${sent.stderr}`)
  tell('E1-E5', `laptop sends it to luis, whom marta has pinned`, 'laptop online, tablet off')
  const asked = await keyferry(home, tablet, ['agent', '--once'])
  must(
    asked.objects.some(({ kind }) => kind === 'asks'),
    `tablet did not ask luis: ${asked.stderr}`,
  )
  more("tablet asks luis whether he takes marta's keys; he says yes")
  const confirmed = await keyferry(home, tablet, ['confirm', '1', '--yes'])
  must(
    confirmed.objects.some(({ kind }) => kind === 'installed'),
    `tablet did not take the key: ${confirmed.stderr}`,
  )
  tell('E6-E10', 'tablet installed it; receipt signed', 'laptop off, tablet online')
  const file = join(tablet.folder, '..', 'id_ed25519')
  const saved = await keyferry(home, tablet, ['key', 'save', LABEL, '--to', file])
  must(saved.exit === 0, `tablet did not save the key: ${saved.stderr}`)
  return file
}

export function deliveryOf({ objects, exit, stderr }: Ran): Delivery {
  const delivery = (objects.at(-1)?.deliveries as readonly Delivery[] | undefined)?.[0]
  must(exit === 0 && delivery !== undefined, `nothing was sent: ${stderr}`)
  return delivery
}

/** `with HPKE-7 for marta alone`, as laptop said. */
function wrappedWith({ stderr }: Ran): string {
  const [, alg, whom] = /wrapped\s+(\S+), for (.*) alone/.exec(stderr) ?? []
  return `with ${alg ?? '?'} for ${whom ?? '?'}'s phone alone`
}
