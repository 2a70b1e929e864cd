import { KeyferryError } from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Change } from '../src/store/changes.ts'
import type { DeliveryRow } from '../src/store/rows.ts'
import type { Store } from '../src/store/store.ts'
import {
  aDecisionRow,
  aDeliveryRow,
  aDeviceRow,
  after,
  aKeyRow,
  aNoticeRow,
  anEnrolmentRow,
  anEnvelopeRow,
  anIdempotencyRow,
  aStatementRow,
  aTransferRow,
  aUserRow,
  idOf,
  keyOf,
  octets,
  thumb,
} from './support/rows.ts'

/** What every adapter of `Store` promises. `open` gives an empty one. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps the contract of Store`, () => {
    let store: Store
    const commit = (...changes: Change[]) => store.commit(changes)
    const refused = async (code: string, ...changes: Change[]) => {
      const error = await commit(...changes).then(
        () => null,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(KeyferryError)
      expect((error as KeyferryError).code).toBe(code)
    }
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    /** A transfer with these deliveries. */
    const transfer = (tr: string, ...rows: DeliveryRow[]): Change[] => [
      { kind: 'insert-transfer', row: aTransferRow(tr) },
      ...rows.map((row): Change => ({ kind: 'insert-delivery', row })),
    ]

    describe('users', () => {
      it('are found by id and by name, and listed by id', async () => {
        const rows = ['luis', 'marta', 'ana'].map((user) => aUserRow(user))
        await commit(...rows.map((row): Change => ({ kind: 'insert-user', row })))
        expect(await store.read.user(thumb('luis'))).toEqual(rows[0])
        expect(await store.read.userByName('marta')).toEqual(rows[1])
        expect(await store.read.user(thumb('nobody'))).toBeNull()
        expect(await store.read.userByName('nobody')).toBeNull()
        const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
        const first = await store.read.users(2)
        expect(first).toEqual(sorted.slice(0, 2))
        expect(await store.read.users(2, first[1]?.id)).toEqual(sorted.slice(2))
      })
      it('have one id and one name each', async () => {
        await commit({ kind: 'insert-user', row: aUserRow('luis') })
        await refused('state-conflict', { kind: 'insert-user', row: aUserRow('luis') })
        await refused('state-conflict', { kind: 'insert-user', row: aUserRow('other', { username: 'luis' }) })
        await commit({ kind: 'insert-user', row: aUserRow('marta') })
        await refused('state-conflict', {
          kind: 'replace-user',
          row: after(aUserRow('marta'), { username: 'luis' }),
        })
      })
      it('are replaced by whoever read the version before', async () => {
        const row = aUserRow('luis')
        await commit({ kind: 'insert-user', row })
        const next = after(row, { setSeq: 2, handoverRef: thumb('handover') })
        await commit({ kind: 'replace-user', row: next })
        expect(await store.read.user(row.id)).toEqual(next)
        await refused('state-conflict', { kind: 'replace-user', row: next })
        await refused('state-conflict', { kind: 'replace-user', row: after(aUserRow('nobody'), {}) })
      })
    })

    describe('devices', () => {
      it('are found by id, by either key, and by user', async () => {
        const phone = aDeviceRow('phone', 'marta', { accessKey: thumb('access') })
        const watch = aDeviceRow('watch', 'marta', { suspended: { reason: 'lost', at: NOW } })
        await commit({ kind: 'insert-device', row: phone }, { kind: 'insert-device', row: watch })
        expect(await store.read.device(phone.id)).toEqual(phone)
        expect(await store.read.deviceByKey(phone.id)).toEqual(phone)
        expect(await store.read.deviceByKey(thumb('access'))).toEqual(phone)
        expect(await store.read.deviceByKey(thumb('no key'))).toBeNull()
        const both = [phone, watch].sort((a, b) => (a.id < b.id ? -1 : 1))
        expect(await store.read.devicesOf(thumb('marta'))).toEqual(both)
        expect(await store.read.devicesOf(thumb('luis'))).toEqual([])
        await refused('state-conflict', { kind: 'insert-device', row: phone })
      })
      it('keep the latest proof, whatever is replaced meanwhile', async () => {
        const row = aDeviceRow('phone', 'marta', { accessKey: thumb('access') })
        await commit({ kind: 'insert-device', row })
        await commit({ kind: 'note-proof', device: row.id, at: NOW + 10 })
        await commit({ kind: 'note-proof', device: row.id, at: NOW + 5 })
        await commit({ kind: 'note-proof', device: thumb('nobody'), at: NOW })
        expect(await store.read.device(row.id)).toEqual({ ...row, lastProofAt: NOW + 10 })
        const next = after(row, { statementSeq: 2, accessKey: null })
        await commit({ kind: 'replace-device', row: next })
        expect(await store.read.device(row.id)).toEqual({ ...next, lastProofAt: NOW + 10 })
        expect(await store.read.deviceByKey(thumb('access'))).toBeNull()
        await commit({ kind: 'replace-device', row: after(next, { lastProofAt: NOW + 20 }) })
        expect((await store.read.device(row.id))?.lastProofAt).toBe(NOW + 20)
        await refused('state-conflict', { kind: 'replace-device', row: next })
      })
    })

    it('counts users and devices', async () => {
      expect(await store.read.counts()).toEqual({ users: 0, devices: 0 })
      await commit(
        { kind: 'insert-user', row: aUserRow('luis') },
        { kind: 'insert-device', row: aDeviceRow('tablet', 'luis') },
        { kind: 'insert-device', row: aDeviceRow('phone', 'luis') },
      )
      expect(await store.read.counts()).toEqual({ users: 1, devices: 2 })
    })

    it('gives statements back as they were put, and puts one once', async () => {
      const [second, first] = [aStatementRow('b', 'luis', { seq: 2 }), aStatementRow('a', 'luis')]
      const other = aStatementRow('c', 'luis', { typ: 'kf-grant+jwt' })
      for (const row of [second, first, other, { ...first, text: 'other text' }]) {
        await commit({ kind: 'put-statement', row })
      }
      expect(await store.read.statement(first.ref)).toEqual(first)
      expect(await store.read.statement(thumb('none'))).toBeNull()
      expect(await store.read.statementsOf(thumb('luis'), first.typ)).toEqual([first, second])
      expect(await store.read.statementsOf(thumb('marta'), first.typ)).toEqual([])
    })

    it('gives a thumbprint one meaning', async () => {
      const row = { thumbprint: thumb('k'), role: 'device', holder: thumb('phone') } as const
      await commit({ kind: 'claim-key', row })
      await commit({ kind: 'claim-key', row })
      expect(await store.read.keyRole(row.thumbprint)).toEqual(row)
      expect(await store.read.keyRole(thumb('none'))).toBeNull()
      await refused('key-in-use', { kind: 'claim-key', row: { ...row, role: 'root' } })
      await refused('key-in-use', { kind: 'claim-key', row: { ...row, holder: thumb('watch') } })
      expect(await store.read.keyRole(row.thumbprint)).toEqual(row)
    })

    it('finds enrolments by id, by code and by device', async () => {
      const row = anEnrolmentRow('one')
      const older = anEnrolmentRow('older', { device: thumb('phone') })
      await commit({ kind: 'insert-enrolment', row: older }, { kind: 'insert-enrolment', row })
      expect(await store.read.enrolment(row.id)).toEqual(row)
      expect(await store.read.enrolmentByCode(thumb('code of one'))).toEqual(row)
      const claimed = after(row, {
        state: 'claimed',
        device: thumb('phone'),
        claim: { statement: 's', mac: 'm' },
      })
      await commit({ kind: 'replace-enrolment', row: claimed })
      expect(await store.read.enrolment(row.id)).toEqual(claimed)
      expect(await store.read.enrolmentByCode(thumb('code of one'))).toEqual(claimed)
      expect(await store.read.enrolmentByCode(thumb('no code'))).toBeNull()
      expect(await store.read.enrolmentsOf(thumb('phone'))).toEqual([claimed, older])
      expect(await store.read.enrolment(idOf('en', 'none'))).toBeNull()
      await refused('state-conflict', { kind: 'replace-enrolment', row: claimed })
      await refused('state-conflict', { kind: 'insert-enrolment', row })
    })

    it('keeps the catalogue of keys', async () => {
      const rows = ['a', 'b', 'c'].map((key) => aKeyRow('luis', key)).sort((x, y) => (x.id < y.id ? -1 : 1))
      await commit(...rows.map((row): Change => ({ kind: 'insert-key', row })), {
        kind: 'insert-key',
        row: aKeyRow('marta', 'd'),
      })
      const [first] = rows
      if (first === undefined) throw new Error('three keys were made')
      expect(await store.read.key(first.id)).toEqual(first)
      expect(await store.read.key(keyOf('luis', 'none'))).toBeNull()
      expect(await store.read.keysOf(thumb('luis'), 2)).toEqual(rows.slice(0, 2))
      expect(await store.read.keysOf(thumb('luis'), 2, rows[1]?.id)).toEqual(rows.slice(2))
      const next = after(first, { generation: 2, withdrawn: true })
      await commit({ kind: 'replace-key', row: next })
      expect(await store.read.key(first.id)).toEqual(next)
      await refused('state-conflict', { kind: 'replace-key', row: next })
      await refused('state-conflict', { kind: 'insert-key', row: first })
    })

    it('keeps applications', async () => {
      const row = { id: thumb('app'), jwk: '{}', name: 'payroll', version: 1 }
      await commit({ kind: 'insert-application', row })
      expect(await store.read.application(row.id)).toEqual(row)
      await commit({ kind: 'replace-application', row: after(row, { name: 'pay' }) })
      expect((await store.read.application(row.id))?.name).toBe('pay')
      expect(await store.read.application(thumb('none'))).toBeNull()
      await refused('state-conflict', { kind: 'insert-application', row })
      await refused('state-conflict', { kind: 'replace-application', row: after(row, {}) })
    })

    describe('transfers', () => {
      it('are listed for whose request, key or target they are, newest first', async () => {
        const app = { type: 'application', id: thumb('app'), user: null } as const
        await commit(
          { kind: 'insert-transfer', row: aTransferRow('t1') },
          { kind: 'insert-delivery', row: aDeliveryRow('d1', 't1') },
        )
        await commit({ kind: 'insert-transfer', row: aTransferRow('t2') })
        await commit(
          { kind: 'insert-transfer', row: aTransferRow('t3', { requester: app }) },
          { kind: 'insert-delivery', row: aDeliveryRow('d2', 't3', { keyId: keyOf('ana', 'k') }) },
          { kind: 'insert-delivery', row: aDeliveryRow('d3', 't3', { keyId: keyOf('ana', 'k') }) },
        )
        const of = async (party: string, limit = 9, last?: string) =>
          (await store.read.transfersOf(thumb(party), limit, last === undefined ? last : idOf('tr', last))).map(
            ({ tr }) => ['t1', 't2', 't3'].find((known) => idOf('tr', known) === tr),
          )
        expect(await of('luis')).toEqual(['t2', 't1'])
        expect(await of('marta')).toEqual(['t3', 't1'])
        expect(await of('ana')).toEqual(['t3'])
        expect(await of('app')).toEqual(['t3'])
        expect(await of('nobody')).toEqual([])
        expect(await of('luis', 1)).toEqual(['t2'])
        expect(await of('luis', 1, 't2')).toEqual(['t1'])
        expect(await of('luis', 1, 't1')).toEqual([])
        expect(await of('luis', 1, 'unknown')).toEqual([])
        expect(await store.read.transfer(idOf('tr', 't1'))).toEqual(aTransferRow('t1'))
        expect(await store.read.transfer(idOf('tr', 'unknown'))).toBeNull()
        await refused('state-conflict', { kind: 'insert-transfer', row: aTransferRow('t1') })
      })
      it('come before their deliveries', async () => {
        await expect(commit({ kind: 'insert-delivery', row: aDeliveryRow('d', 'none') })).rejects.toThrow()
        expect(await store.read.delivery(idOf('dl', 'd'))).toBeNull()
      })
    })

    describe('deliveries', () => {
      it('are read as they were written, alone and by transfer', async () => {
        const one = aDeliveryRow('d1', 't', {
          approvals: [{ stage: 'ac1', by: thumb('ana'), decision: 'permit', at: 1 }],
        })
        const two = aDeliveryRow('d2', 't', { target: thumb('watch'), nonce: 'j8Fn_FIKK0MOSVtddM3JjA' })
        await commit(...transfer('t', one, two))
        expect(await store.read.delivery(one.dl)).toEqual(one)
        expect(await store.read.delivery(idOf('dl', 'none'))).toBeNull()
        expect(await store.read.deliveriesOf(one.tr)).toEqual([one, two])
        await refused('state-conflict', { kind: 'insert-delivery', row: one })
      })
      it('are replaced by compare and swap, several times in one unit if need be', async () => {
        const requested = aDeliveryRow('d', 't')
        await commit(...transfer('t', requested))
        const admitted = after(requested, { state: 'admitted' })
        const deposited = after(admitted, { state: 'deposited' })
        const released = after(deposited, { state: 'released' })
        await commit({ kind: 'replace-delivery', row: admitted })
        await commit({ kind: 'replace-delivery', row: deposited }, { kind: 'replace-delivery', row: released })
        expect(await store.read.delivery(requested.dl)).toEqual(released)
        await refused('state-conflict', { kind: 'replace-delivery', row: released })
        await refused('state-conflict', { kind: 'replace-delivery', row: after(aDeliveryRow('none', 't'), {}) })
      })
      it('let one of two writers win', async () => {
        const row = aDeliveryRow('d', 't')
        await commit(...transfer('t', row))
        const attempts = ['admitted', 'cancelled', 'refused'].map((state) =>
          commit({ kind: 'replace-delivery', row: after(row, { state: state as DeliveryRow['state'] }) }).then(
            () => state,
            (error: KeyferryError) => error.code,
          ),
        )
        const outcomes = await Promise.all(attempts)
        expect(outcomes.filter((outcome) => outcome === 'state-conflict')).toHaveLength(2)
        const winner = outcomes.find((outcome) => outcome !== 'state-conflict')
        expect((await store.read.delivery(row.dl))?.state).toBe(winner)
      })
      it('are listed by party, role and state, newest first', async () => {
        const states = ['requested', 'admitted', 'completed', 'requested'] as const
        const rows = states.map((state, i) => aDeliveryRow(`d${i}`, 't', { state }))
        await commit(...transfer('t', ...rows))
        const [d0, d1, d2, d3] = rows as [DeliveryRow, DeliveryRow, DeliveryRow, DeliveryRow]
        const asSource = { party: thumb('tablet'), role: 'source', limit: 9 } as const
        expect(await store.read.deliveries(asSource)).toEqual([d3, d2, d1, d0])
        expect(await store.read.deliveries({ ...asSource, states: ['requested'] })).toEqual([d3, d0])
        expect(await store.read.deliveries({ ...asSource, states: ['completed', 'admitted'] })).toEqual([d2, d1])
        expect(await store.read.deliveries({ ...asSource, states: [] })).toEqual([])
        expect(await store.read.deliveries({ ...asSource, limit: 2, after: d3.dl })).toEqual([d2, d1])
        expect(await store.read.deliveries({ ...asSource, after: idOf('dl', 'none') })).toEqual([])
        expect(await store.read.deliveries({ ...asSource, role: 'target' })).toEqual([])
        expect(await store.read.deliveries({ party: thumb('phone'), role: 'target', limit: 1 })).toEqual([d3])
      })
      it('wait for the proof of their source when requested, of their target when deposited', async () => {
        const rows = [
          aDeliveryRow('d0', 't'),
          aDeliveryRow('d1', 't', { state: 'admitted' }),
          aDeliveryRow('d2', 't', { state: 'deposited', target: thumb('tablet'), source: thumb('phone') }),
          aDeliveryRow('d3', 't', { state: 'deposited' }),
          aDeliveryRow('d4', 't'),
        ]
        await commit(...transfer('t', ...rows))
        const names = async (device: string, limit = 9) =>
          (await store.read.pendingDecisions(thumb(device), limit)).map(({ dl }) => rows.findIndex((r) => r.dl === dl))
        expect(await names('tablet')).toEqual([0, 2, 4])
        expect(await names('tablet', 2)).toEqual([0, 2])
        expect(await names('phone')).toEqual([3])
        expect(await names('nobody')).toEqual([])
      })
      it('are overdue from their deadline on while they are open', async () => {
        const rows = [
          aDeliveryRow('late', 't', { deadline: NOW - 1 }),
          aDeliveryRow('later', 't', { deadline: NOW - 5 }),
          aDeliveryRow('now', 't', { deadline: NOW, state: 'collected' }),
          aDeliveryRow('over', 't', { deadline: NOW - 9, state: 'completed' }),
          aDeliveryRow('ahead', 't', { deadline: NOW + 1 }),
        ] as const
        await commit(...transfer('t', ...rows))
        expect(await store.read.overdue(NOW, 9)).toEqual([rows[1], rows[0], rows[2]])
        expect(await store.read.overdue(NOW, 1)).toEqual([rows[1]])
      })
      it('are found open by device, user and key, and closed no more; a retry opens them again', async () => {
        const d1 = aDeliveryRow('d1', 't')
        const d2 = aDeliveryRow('d2', 't', {
          source: thumb('phone'),
          target: thumb('tablet'),
          targetUser: thumb('luis'),
        })
        const d3 = aDeliveryRow('d3', 't', { keyId: keyOf('ana', 'k'), target: thumb('watch') })
        await commit(...transfer('t', d1, d2, d3))
        const { openDeliveries } = store.read
        expect(await openDeliveries({ device: thumb('phone') })).toEqual([d1, d2])
        expect(await openDeliveries({ user: thumb('luis') })).toEqual([d1, d2])
        expect(await openDeliveries({ user: thumb('marta') })).toEqual([d1, d3])
        expect(await openDeliveries({ key: keyOf('ana', 'k') })).toEqual([d3])
        expect(await openDeliveries({ device: thumb('phone'), key: keyOf('ana', 'k') })).toEqual([d1, d2, d3])
        expect(await openDeliveries({})).toEqual([])
        expect(await store.read.sameKeySameTarget(keyOf('luis', 'key'), thumb('phone'))).toEqual([d1])
        const expired = after(d1, { state: 'expired' })
        await commit({ kind: 'replace-delivery', row: expired })
        expect(await openDeliveries({ device: thumb('phone') })).toEqual([d2])
        expect(await store.read.sameKeySameTarget(keyOf('luis', 'key'), thumb('phone'))).toEqual([])
        const again = after(expired, { state: 'requested', attempt: 2, deadline: NOW + 9999 })
        await commit({ kind: 'replace-delivery', row: again })
        expect(await openDeliveries({ device: thumb('phone') })).toEqual([again, d2])
        expect(await store.read.overdue(NOW + 9998, 9)).not.toContainEqual(again)
        expect(await store.read.overdue(NOW + 9999, 9)).toContainEqual(again)
      })
      it('count a device once that has the key', async () => {
        const state = 'completed'
        await commit(
          ...transfer(
            't',
            aDeliveryRow('d1', 't', { state }),
            aDeliveryRow('d2', 't', { state }),
            aDeliveryRow('d3', 't', { state, target: thumb('watch') }),
            aDeliveryRow('d4', 't', { target: thumb('car') }),
            aDeliveryRow('d5', 't', { state, keyId: keyOf('ana', 'k'), target: thumb('car') }),
          ),
        )
        expect(await store.read.copiesOf(keyOf('luis', 'key'))).toBe(2)
        expect(await store.read.copiesOf(keyOf('luis', 'none'))).toBe(0)
      })
    })

    describe('sealed envelopes', () => {
      it('are read until they are erased, and stored once per attempt', async () => {
        await commit(...transfer('t', aDeliveryRow('d', 't'), aDeliveryRow('e', 't')))
        const rows = [anEnvelopeRow('d', 1), anEnvelopeRow('d', 2, 48_000), anEnvelopeRow('e', 1)]
        for (const row of rows) await commit({ kind: 'insert-envelope', row })
        for (const row of rows) expect(await store.read.sealedEnvelope(row.dl, row.attempt)).toEqual(row)
        await refused('state-conflict', { kind: 'insert-envelope', row: anEnvelopeRow('d', 1) })
        await commit({ kind: 'erase-envelopes', dl: idOf('dl', 'd') })
        await commit({ kind: 'erase-envelopes', dl: idOf('dl', 'd') })
        expect(await store.read.sealedEnvelope(idOf('dl', 'd'), 1)).toBeNull()
        expect(await store.read.sealedEnvelope(idOf('dl', 'd'), 2)).toBeNull()
        expect(await store.read.sealedEnvelope(idOf('dl', 'e'), 1)).toEqual(rows[2])
        // What was erased leaves room: each envelope still has its own key.
        await commit(
          { kind: 'insert-envelope', row: anEnvelopeRow('d', 3) },
          { kind: 'insert-envelope', row: anEnvelopeRow('e', 2) },
        )
        for (const row of [anEnvelopeRow('d', 3), anEnvelopeRow('e', 2), anEnvelopeRow('e', 1)]) {
          expect(await store.read.sealedEnvelope(row.dl, row.attempt)).toEqual(row)
        }
      })
      it('can be stored and erased in one unit', async () => {
        await commit(...transfer('t', aDeliveryRow('d', 't')))
        await commit(
          { kind: 'insert-envelope', row: anEnvelopeRow('d') },
          { kind: 'erase-envelopes', dl: idOf('dl', 'd') },
        )
        expect(await store.read.sealedEnvelope(idOf('dl', 'd'), 1)).toBeNull()
      })
    })

    describe('notices', () => {
      const insert = (name: string, more: Parameters<typeof aNoticeRow>[1] = {}): Change => ({
        kind: 'insert-notice',
        row: aNoticeRow(name, more),
      })
      const inbox = async (recipient: string, now = NOW, limit = 9, cursor?: number) =>
        (await store.read.inbox(thumb(recipient), now, limit, cursor)).map(({ id }) => id)
      const ids = (...names: string[]) => names.map((notice) => idOf('nt', notice))

      it('come in the order of their commits, after a cursor, until they expire', async () => {
        await commit(insert('n1'), insert('n2', { expiresAt: NOW + 10 }))
        await commit(insert('other', { recipient: thumb('phone') }), insert('n3'))
        expect(await inbox('tablet')).toEqual(ids('n1', 'n2', 'n3'))
        expect(await inbox('tablet', NOW, 2)).toEqual(ids('n1', 'n2'))
        expect(await inbox('tablet', NOW + 10)).toEqual(ids('n1', 'n3'))
        const second = await store.read.notice(idOf('nt', 'n2'))
        expect(await inbox('tablet', NOW, 9, second?.cursor)).toEqual(ids('n3'))
        expect(second).toEqual({ ...aNoticeRow('n2', { expiresAt: NOW + 10 }), cursor: second?.cursor })
        expect(await store.read.notice(idOf('nt', 'none'))).toBeNull()
        await refused('state-conflict', insert('n1'))
      })
      it('are acknowledged by their recipient only', async () => {
        await commit(insert('n1'), insert('n2'), insert('n3'))
        await commit({ kind: 'acknowledge-notices', recipient: thumb('phone'), ids: ids('n1') })
        await commit({ kind: 'acknowledge-notices', recipient: thumb('tablet'), ids: ids('n2', 'unknown', 'n3') })
        await commit({ kind: 'acknowledge-notices', recipient: thumb('tablet'), ids: [] })
        expect(await inbox('tablet')).toEqual(ids('n1'))
        expect((await store.read.notice(idOf('nt', 'n2')))?.state).toBe('acknowledged')
      })
      it('are retired with what came before, not with what the same unit tells next', async () => {
        const delivery = idOf('dl', 'd')
        await commit(insert('n1', { delivery }), insert('n2', { delivery }), insert('n3'))
        await commit({ kind: 'acknowledge-notices', recipient: thumb('tablet'), ids: ids('n1') })
        await commit({ kind: 'retire-notices', delivery }, insert('n4', { delivery, type: 'outcome' }))
        expect(await inbox('tablet')).toEqual(ids('n3', 'n4'))
        expect((await store.read.notice(idOf('nt', 'n1')))?.state).toBe('acknowledged')
        expect((await store.read.notice(idOf('nt', 'n2')))?.state).toBe('dead')
      })
      it('say whether a wake of this window waits', async () => {
        await commit(insert('n1'), insert('w', { type: 'wake', createdAt: NOW - 5 }))
        expect(await store.read.hasWake(thumb('tablet'), NOW - 5)).toBe(true)
        expect(await store.read.hasWake(thumb('tablet'), NOW - 4)).toBe(false)
        expect(await store.read.hasWake(thumb('phone'), 0)).toBe(false)
        await commit({ kind: 'acknowledge-notices', recipient: thumb('tablet'), ids: ids('w') })
        expect(await store.read.hasWake(thumb('tablet'), 0)).toBe(false)
      })
      it('never give a cursor twice, also when the newest was swept', async () => {
        await commit(insert('n1', { expiresAt: NOW }))
        const first = (await store.read.notice(idOf('nt', 'n1')))?.cursor ?? 0
        await commit({ kind: 'sweep-expired', before: NOW + 1, limit: 10 })
        expect(await store.read.notice(idOf('nt', 'n1'))).toBeNull()
        await commit(insert('n2'))
        expect((await store.read.notice(idOf('nt', 'n2')))?.cursor).toBeGreaterThan(first)
      })
    })

    it('keeps decision records in order, one of a kind', async () => {
      const rows = ['z', 'a', 'm'].map((decision) => aDecisionRow(decision, 'd'))
      for (const row of rows) await commit({ kind: 'insert-decision', row })
      for (const row of rows) await commit({ kind: 'insert-decision', row })
      expect(await store.read.decisions(idOf('dl', 'd'))).toEqual(rows)
      expect(await store.read.decisions(idOf('dl', 'e'))).toEqual([])
    })

    it('keeps the answer to a request for its repeat, per scope', async () => {
      const row = anIdempotencyRow('0123456789abcdef')
      await commit({ kind: 'insert-idempotency', row })
      await commit({ kind: 'insert-idempotency', row: { ...row, scope: thumb('phone') } })
      expect(await store.read.idempotent(row.scope, row.key)).toEqual(row)
      expect(await store.read.idempotent(row.scope, 'another')).toBeNull()
      await refused('state-conflict', { kind: 'insert-idempotency', row })
    })

    it('sweeps what expired before, and nothing else', async () => {
      await commit(
        { kind: 'insert-idempotency', row: anIdempotencyRow('old', { expiresAt: NOW - 1 }) },
        { kind: 'insert-idempotency', row: anIdempotencyRow('new', { expiresAt: NOW }) },
        { kind: 'insert-enrolment', row: anEnrolmentRow('old', { expiresAt: NOW - 1 }) },
        { kind: 'insert-enrolment', row: anEnrolmentRow('new', { expiresAt: NOW }) },
        { kind: 'insert-notice', row: aNoticeRow('old', { expiresAt: NOW - 1 }) },
        { kind: 'insert-notice', row: aNoticeRow('new', { expiresAt: NOW }) },
      )
      expect(await store.read.hasExpired(NOW - 1)).toBe(false)
      expect(await store.read.hasExpired(NOW)).toBe(true)
      await commit({ kind: 'sweep-expired', before: NOW, limit: 10 })
      expect(await store.read.hasExpired(NOW)).toBe(false)
      const left = async (which: string) => [
        await store.read.idempotent(thumb('tablet'), which),
        await store.read.enrolment(idOf('en', which)),
        await store.read.notice(idOf('nt', which)),
      ]
      expect(await left('old')).toEqual([null, null, null])
      expect((await left('new')).every((row) => row !== null)).toBe(true)
    })

    it('sweeps no more of each kind than it is told to', async () => {
      const names = ['one', 'two', 'three']
      await commit(
        ...names.flatMap((name): Change[] => [
          { kind: 'insert-idempotency', row: anIdempotencyRow(name, { expiresAt: NOW - 1 }) },
          { kind: 'insert-enrolment', row: anEnrolmentRow(name, { expiresAt: NOW - 1 }) },
          { kind: 'insert-notice', row: aNoticeRow(name, { expiresAt: NOW - 1 }) },
        ]),
      )
      await commit({ kind: 'sweep-expired', before: NOW, limit: 2 })
      const left = await Promise.all(
        names.flatMap((name) => [
          store.read.idempotent(thumb('tablet'), name),
          store.read.enrolment(idOf('en', name)),
          store.read.notice(idOf('nt', name)),
        ]),
      )
      expect(left.filter((row) => row !== null)).toHaveLength(3)
      expect(await store.read.hasExpired(NOW)).toBe(true)
    })

    it('keeps meta and tiles, the last one that was put', async () => {
      expect(await store.read.meta('x')).toBeNull()
      await commit({ kind: 'put-meta', name: 'x', value: '1' })
      await commit({ kind: 'put-meta', name: 'x', value: '2' })
      expect(await store.read.meta('x')).toBe('2')
      await commit({ kind: 'delete-meta', name: 'x' })
      await commit({ kind: 'delete-meta', name: 'x' })
      expect(await store.read.meta('x')).toBeNull()
      const hashes = octets('tile', 8192)
      await commit({ kind: 'put-tile', level: 1, index: 7, hashes })
      await commit({ kind: 'put-tile', level: 1, index: 7, hashes })
      expect(new Uint8Array((await store.read.tile(1, 7)) ?? [])).toEqual(hashes)
      expect(await store.read.tile(0, 7)).toBeNull()
    })

    describe('leaves', () => {
      const leaf = (text: string): Change => ({ kind: 'append-leaf', ref: thumb(text), text })

      it('get indexes in commit order, also when units fail between them', async () => {
        expect(await store.read.leafCount()).toBe(0)
        expect(await commit(leaf('a'), leaf('b'))).toEqual({ leafIndexes: [0, 1] })
        await refused(
          'state-conflict',
          leaf('never'),
          { kind: 'replace-user', row: after(aUserRow('nobody'), {}) },
          leaf('never'),
        )
        expect(await commit(leaf('a'))).toEqual({ leafIndexes: [2] })
        expect(await store.read.leafCount()).toBe(3)
        expect(await store.read.leafIndex(thumb('a'))).toBe(0)
        expect(await store.read.leafIndex(thumb('never'))).toBeNull()
        const leaves = await store.read.leaves(1, 3)
        expect(leaves.map(({ index, text }) => [index, text])).toEqual([
          [1, 'b'],
          [2, 'a'],
        ])
        expect(leaves[0]?.ref).toBe(thumb('b'))
        expect(await store.read.leaves(3, 9)).toEqual([])
      })
      it('leave no gap and no double when 200 units come at once', async () => {
        const units = Array.from({ length: 200 }, (_, i) => i)
        const committed = await Promise.all(
          units.map((i) =>
            i % 10 === 3
              ? commit(leaf(`bad ${i}`), { kind: 'replace-user', row: after(aUserRow('nobody'), {}) }).catch(() => null)
              : commit(leaf(`unit ${i}`), leaf(`unit ${i} again`)),
          ),
        )
        const indexes = committed.flatMap((unit) => unit?.leafIndexes ?? [])
        expect(indexes).toHaveLength(360)
        expect([...indexes].sort((a, b) => a - b)).toEqual(Array.from({ length: 360 }, (_, i) => i))
        expect(await store.read.leafCount()).toBe(360)
        const texts = (await store.read.leaves(0, 360)).map(({ text }) => text)
        committed.forEach((unit, i) => {
          for (const index of unit?.leafIndexes ?? []) expect(texts[index]).toMatch(new RegExp(`^unit ${i}( again)?$`))
        })
      })
    })

    it('writes all of a unit or nothing', async () => {
      const first = aDeliveryRow('d', 't')
      await commit(...transfer('t', first), { kind: 'insert-envelope', row: anEnvelopeRow('d') })
      await refused(
        'key-in-use',
        { kind: 'put-meta', name: 'x', value: '1' },
        { kind: 'replace-delivery', row: after(first, { state: 'admitted' }) },
        { kind: 'erase-envelopes', dl: first.dl },
        { kind: 'append-leaf', ref: thumb('leaf'), text: 'leaf' },
        { kind: 'claim-key', row: { thumbprint: thumb('k'), role: 'device', holder: thumb('phone') } },
        { kind: 'claim-key', row: { thumbprint: thumb('k'), role: 'root', holder: thumb('phone') } },
        { kind: 'insert-notice', row: aNoticeRow('n') },
      )
      expect(await store.read.meta('x')).toBeNull()
      expect(await store.read.delivery(first.dl)).toEqual(first)
      expect(await store.read.sealedEnvelope(first.dl, 1)).toEqual(anEnvelopeRow('d'))
      expect(await store.read.leafCount()).toBe(0)
      expect(await store.read.keyRole(thumb('k'))).toBeNull()
      expect(await store.read.notice(idOf('nt', 'n'))).toBeNull()
    })

    it('takes a unit of nothing', async () => {
      expect(await commit()).toEqual({ leafIndexes: [] })
    })

    it('keeps what it was given, not what became of it', async () => {
      const row = { ...aUserRow('luis') } as {
        -readonly [K in keyof ReturnType<typeof aUserRow>]: ReturnType<typeof aUserRow>[K]
      }
      const done = commit({ kind: 'insert-user', row })
      row.username = 'mallory'
      await done
      expect((await store.read.user(thumb('luis')))?.username).toBe('luis')
    })

    it('refuses to write after it was closed', async () => {
      await store.close()
      await refused('unavailable', { kind: 'put-meta', name: 'x', value: '1' })
      await store.close()
    })
  })
}
