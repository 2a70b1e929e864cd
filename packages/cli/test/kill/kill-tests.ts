import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aKillWorld, type Ferried, type KillWorld } from './kill-world.ts'
import type { KillCase } from './matrix.ts'

/** One transfer for each kill, all at one server and between the same devices; then these are asked whether all is well. */
export function testKills(title: string, cases: readonly KillCase[]): void {
  describe(title, { timeout: 200_000 }, () => {
    let world: KillWorld
    const ferries: Ferried[] = []
    beforeAll(async () => {
      world = await aKillWorld()
    }, 120_000)
    afterAll(() => world.close(), 60_000)

    it.each(cases.map((one, i) => [one.name, one, i] as const))('%s', async (_name, { sender, kill }, i) => {
      const ferried = await world.ferry(`key-${i}`, sender, kill)
      ferries.push(ferried)
      expectFerried(ferried)
    })

    it('leaves each transfer with one outcome, each key once at the phone', async () => {
      const listed = await world.run('laptop', 'transfer', 'list', '--limit', '200')
      const atPhone = await world.run('phone', 'key', 'list')
      for (const { key, deliveries } of ferries) {
        const transfers = listed.objects.filter((transfer) => transfer.key === key)
        expect(transfers).toEqual([expect.objectContaining({ state: 'completed' })])
        expect(transfers[0]?.deliveries).toEqual([
          expect.objectContaining({ dl: deliveries[0]?.dl, state: 'completed', attempt: 1 }),
        ])
        expect(JSON.stringify(transfers)).not.toContain('lateReceipt')
        expect(atPhone.objects.filter(({ id }) => id === key)).toEqual([
          expect.objectContaining({ generation: 1, held: true }),
        ])
      }
    })

    it('leaves a log that is whole, and devices without a complaint', async () => {
      for (const device of ['laptop', 'phone'] as const) {
        for (const words of [['log', 'verify'], ['doctor']]) {
          const { exit, stderr } = await world.run(device, ...words)
          expect({ device, words, exit, stderr }).toMatchObject({ exit: 0 })
        }
      }
    })
  })
}

const DISTURBING = new Set(['asks', 'refused', 'alarm'])

/** The transfer has come to its one end: nothing is lost, nothing is there twice. */
function expectFerried({ deliveries, laptop, phone, sameKey, filesAtPhone }: Ferried): void {
  expect(deliveries).toEqual([
    { dl: expect.any(String), state: 'completed', attempt: 1, wrappedOctets: 0, receipts: 1, receiptLeaves: 1 },
  ])
  expect({ sameKey, filesAtPhone }).toEqual({ sameKey: true, filesAtPhone: 1 })
  expect([...laptop, ...phone].filter(({ kind }) => DISTURBING.has(String(kind)))).toEqual([])
  const outcomes = phone.filter(({ kind }) => kind === 'receipted').map(({ outcome }) => outcome)
  expect(outcomes.filter((outcome) => outcome !== 'installed')).toEqual([])
  expect(laptop.filter(({ kind }) => kind === 'finished').map(({ state }) => state)).toContain('completed')
}
