import {
  DELIVERY_STATES,
  holdsWrappedKey,
  isTerminal,
  KeyferryError,
  MAX_ATTEMPTS,
  MAX_COLLECTIONS,
  orderStatement,
  type Ref,
  toBase64url,
} from '@keyferry/protocol'
import { DAY_SECONDS, type EnvelopeOptions, type TestDevice } from '@keyferry/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../src/access/cedar/default-policy.ts'
import { suspendDevice } from '../src/registry/devices.ts'
import type { DeliveryRow } from '../src/store/rows.ts'
import { cancel } from '../src/transfers/cancel.ts'
import { collect } from '../src/transfers/collect.ts'
import { putOrder } from '../src/transfers/put-order.ts'
import { refuse } from '../src/transfers/refuse.ts'
import { requestTransfer } from '../src/transfers/request.ts'
import { retry } from '../src/transfers/retry.ts'
import { sweep } from '../src/transfers/sweep.ts'
import { transportKeyInfo } from '../src/transfers/transport-key-info.ts'
import {
  acknowledgeBy,
  aTransferWorld,
  collectBy,
  depositBy,
  deviceOf,
  orderFor,
  putKey,
  rowOf,
  type TransferWorld,
  visit,
} from './transfer-world.ts'
import { asDevice, OPERATOR } from './world.ts'

type Party = 'phone' | 'tablet' | 'martas'

/** One thing that happens; `pick` chooses among the deliveries that there are. */
type Event =
  | { readonly do: 'ask'; readonly by: Party; readonly target: Party; readonly foreign: boolean }
  | { readonly do: 'visit' | 'cancel' | 'refuse' | 'collect' | 'retry'; readonly by: Party; readonly pick: number }
  | { readonly do: 'deposit' | 'install' | 'reject'; readonly pick: number }
  /** Whatever brings the delivery on, by whom it is up to. */
  | { readonly do: 'go on'; readonly pick: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'sweep' | 'renew' }
  | { readonly do: 'policy'; readonly denies: 'nothing' | 'admit' | 'release' | 'collect' }
  | { readonly do: 'suspend'; readonly who: Party; readonly suspended: boolean }
  | { readonly do: 'fail'; readonly when: 'before' | 'after' | 'deciding' }

const party = fc.constantFrom<Party>('phone', 'tablet', 'martas')
const pick = fc.nat(20)
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('ask' as const), by: party, target: party, foreign: fc.boolean() }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('visit' as const, 'cancel' as const, 'refuse' as const, 'collect' as const, 'retry' as const),
      by: party,
      pick,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('visit' as const), by: party, pick }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constantFrom('deposit' as const, 'install' as const, 'reject' as const), pick }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('go on' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(10, 901, 901, 86_400) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('sweep' as const, 'renew' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('policy' as const),
      denies: fc.constantFrom(
        'nothing' as const,
        'nothing' as const,
        'admit' as const,
        'release' as const,
        'collect' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('suspend' as const), who: party, suspended: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      when: fc.constantFrom('before' as const, 'after' as const, 'deciding' as const),
    }),
  },
)

async function happen(world: TransferWorld, known: DeliveryRow['dl'][], what: Event): Promise<void> {
  const { context, clock } = world
  const device = (name: Party): TestDevice => world[name]
  const picked = 'pick' in what && known.length > 0 ? known[what.pick % known.length] : undefined
  switch (what.do) {
    case 'ask': {
      const key = await context.read.key(world.key)
      await requestTransfer(context, await visit(world, device(what.by)), {
        key: world.key,
        generation: key?.generation ?? 1,
        targets: [{ device: device(what.target).id }],
        ...(what.foreign ? { orderBy: world.tablet.id } : {}),
        deadline: clock.now() + DAY_SECONDS,
      })
      return
    }
    case 'wait':
      return clock.advance(what.seconds)
    case 'sweep':
      await sweep(context)
      return context.log.persist()
    case 'renew': {
      const key = await context.read.key(world.key)
      return putKey(world, { generation: (key?.generation ?? 1) + 1, validFrom: clock.now() + 1000 })
    }
    case 'policy': {
      const when = `context.action == "keyferry.${what.denies}"`
      return world.engine.replacePolicy(
        `${DEFAULT_POLICY}\n@id("test/no")\nforbid (principal, action == Action::"receive", resource) when { ${when} };`,
      )
    }
    case 'suspend':
      await suspendDevice(context, OPERATOR, device(what.who).id, { suspended: what.suspended, reason: 'test' })
      return
    case 'fail':
      if (what.when === 'deciding') world.engineFails = !world.engineFails
      else if (what.when === 'before') world.store.failBefore(1)
      else world.store.failAfter(1)
      return
    default:
  }
  if (picked === undefined) return
  const delivery = await rowOf(world, { dl: picked })
  switch (what.do) {
    case 'visit':
      await visit(world, device(what.by))
      return
    case 'cancel':
      await cancel(context, await asDevice(world, device(what.by)), picked, {})
      return
    case 'refuse':
      await refuse(context, await asDevice(world, device(what.by)), picked, { reason: 'declined' })
      return
    case 'collect':
      await collect(context, await asDevice(world, device(what.by)), picked)
      return
    case 'retry':
      await retry(context, await asDevice(world, device(what.by)), picked, { deadline: clock.now() + DAY_SECONDS })
      return
    case 'go on':
      return goOn(world, delivery)
    case 'deposit':
      await depositBy(world, delivery)
      return
    case 'install':
      await acknowledgeBy(world, delivery)
      return
    case 'reject':
      await acknowledgeBy(world, delivery, { outcome: 'rejected', reason: 'unwrap-failed' })
      return
  }
}

async function goOn(world: TransferWorld, delivery: DeliveryRow): Promise<void> {
  switch (delivery.state) {
    case 'requested':
      await visit(world, deviceOf(world, delivery.source))
      return
    case 'admitted':
      if (delivery.orderBy !== 'source' && delivery.orderRef === null) return orderByTablet(world, delivery)
      await depositBy(world, delivery, await orderOf(world, delivery))
      return
    case 'deposited':
      await visit(world, deviceOf(world, delivery.target))
      return
    case 'released':
      await collectBy(world, delivery)
      return
    case 'collected':
      await acknowledgeBy(world, delivery)
      return
    default:
  }
}

async function orderByTablet(world: TransferWorld, { dl, attempt }: DeliveryRow): Promise<void> {
  const caller = await visit(world, world.tablet)
  const info = await transportKeyInfo(world.context, caller, dl, 0)
  const { text } = await orderFor(world, info, {}, world.tablet.signer)
  await putOrder(world.context, caller, dl, attempt, text)
}

async function orderOf(world: TransferWorld, { orderRef }: DeliveryRow): Promise<EnvelopeOptions> {
  if (orderRef === null) return {}
  return { orderText: await world.context.statements.read(orderStatement, orderRef) }
}

interface Seen {
  readonly rows: ReadonlyMap<string, DeliveryRow>
  readonly leaves: readonly string[]
}

/** What holds at every moment, and from each moment to the next. */
async function look(world: TransferWorld, before: Seen): Promise<Seen> {
  const { read } = world.context
  const transfers = await read.transfersOf(world.luis.id, 1000)
  const rows = (await Promise.all(transfers.map(({ tr }) => read.deliveriesOf(tr)))).flat()
  for (const row of rows) {
    for (let attempt = 1; attempt <= row.attempt; attempt++) {
      const isHeld = (await read.sealedEnvelope(row.dl, attempt)) !== null
      expect(isHeld).toBe(attempt === row.attempt && holdsWrappedKey(row.state))
    }
    expect(row.attempt).toBeLessThanOrEqual(MAX_ATTEMPTS)
    expect(row.collections).toBeLessThanOrEqual(MAX_COLLECTIONS)
    if (row.releasedAt !== null) expect(row.envelopeRef).not.toBeNull()
    const earlier = before.rows.get(row.dl)
    if (earlier?.attempt !== row.attempt) continue
    // One outcome of an attempt, and one receipt.
    if (isTerminal(earlier.state)) expect(row.state).toBe(earlier.state)
    if (earlier.receiptRef !== null) expect(row.receiptRef).toBe(earlier.receiptRef)
    if (earlier.envelopeRef !== null) expect(row.envelopeRef).toBe(earlier.envelopeRef)
  }
  const leaves = (await read.leaves(0, await read.leafCount())).map(({ ref }) => ref as string)
  expect(leaves.slice(0, before.leaves.length)).toEqual(before.leaves)
  expect(new Set(leaves).size).toBe(leaves.length)
  expect(world.context.log.size).toBeLessThanOrEqual(leaves.length)
  return { rows: new Map(rows.map((row) => [row.dl, row])), leaves }
}

/** The log finds leaves whose unit was never told of once another one comes; failures that are still to come, come now. */
async function caughtUp(world: TransferWorld): Promise<void> {
  const { commit, log, random } = world.context
  for (let i = 0; i < 100; i++) {
    try {
      const ref = toBase64url(random.octets(32)) as Ref
      await commit([{ kind: 'append-leaf', ref, text: `decision ${ref} ${'A'.repeat(22)}` }])
      return await log.persist()
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
    }
  }
}

it('keeps its invariants, whatever happens in whatever order', async () => {
  const reached = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 20, maxLength: 80, size: 'max' }), async (events) => {
      const world = await aTransferWorld()
      let seen: Seen = { rows: new Map(), leaves: [] }
      for (const what of events) {
        const known = [...seen.rows.keys()] as DeliveryRow['dl'][]
        await happen(world, known, what).catch((error: unknown) => {
          // Whoever calls gets a problem that we know, whatever happens.
          if (!(error instanceof KeyferryError)) throw error
        })
        seen = await look(world, seen)
        for (const row of seen.rows.values()) reached.add(row.state)
      }
      await caughtUp(world)
      expect(world.context.log.size).toBe(await world.context.read.leafCount())
    }),
    { numRuns: 40, seed: 20_261_124 },
  )
  // The events are such that all of it is reached.
  expect([...reached].sort()).toEqual([...DELIVERY_STATES].sort())
}, 120_000)
