import { type DeliveryShown, keepReceipt, type OpenDevice, type TransferShown } from '@keyferry/device'
import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import { Explained } from '../console/failure.ts'
import { typeableId } from '../console/ids.ts'
import { targetName } from '../views/transfer.ts'

/**
 * Whether the server says of a delivery that it is completed and cannot show that: `completed` is its word until there is a receipt which
 * the target signed for the envelope that this device made (PROTOCOL 5, 9.3 end).
 * @returns the first such delivery as an error, or null
 */
export async function withoutReceipt(open: OpenDevice, { tr, deliveries }: TransferShown): Promise<Explained | null> {
  for (const delivery of deliveries) {
    if (delivery.state !== 'completed') continue
    const receipt = await keepReceipt(open, delivery.dl as DeliveryId, delivery.attempt)
    if (receipt?.outcome !== 'installed') return unproven(open, delivery, tr)
  }
  return null
}

function unproven(open: OpenDevice, delivery: DeliveryShown, tr: string): Explained {
  const name = targetName(open, delivery)
  const why = `the server says that ${name} has it, and shows no receipt that ${name} signed`
  return new Explained(new KeyferryError('receipt-invalid', why), {
    hint: `look there whether it came; keep this for your administrator: keyferry evidence ${typeableId(tr)}`,
  })
}
