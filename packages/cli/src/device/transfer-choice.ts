import type { OpenDevice, TransferShown } from '@keyferry/device'
import { parseId, type TransferId } from '@keyferry/protocol'
import { choose } from '../console/choose.ts'

const LOOKED_THROUGH = 200

/** The transfer that somebody named by as much of its id as is unambiguous. A whole id needs no list. */
export async function chooseTransfer(open: OpenDevice, typed: string): Promise<TransferId> {
  if (/^tr_[0-9a-z]{26}$/.test(typed)) return parseId('tr', typed)
  const { listTransfers } = await import('@keyferry/device')
  const all: readonly TransferShown[] = await listTransfers(open, LOOKED_THROUGH)
  return choose(
    'transfer',
    typed,
    all.map(({ tr }) => ({ thing: tr, id: tr, name: '' })),
  )
}
