import {
  checkGrant,
  checkOrder,
  checkUserStatement,
  type DeviceSetPayload,
  type EpochSeconds,
  type GrantPayload,
  grantStatement,
  KeyferryError,
  type OrderPayload,
  type Statement,
  type StatementBundle,
  type Thumbprint,
  type UserPayload,
} from '@keyferry/protocol'

export interface OrderQuestion {
  readonly order: Statement<OrderPayload>
  readonly ownerSet: DeviceSetPayload
  readonly received: StatementBundle
  /** When a grant must be unexpired: now at the source, the KTI's `iat` at the target. */
  readonly at: EpochSeconds
  /** What was received about the target's user: `to.cas` of a grant admits whom one of them certifies. */
  readonly certificates: readonly Statement<UserPayload>[]
}

/** The grant relied on, if a grantee signed, and those of its CAs that certify the target's user: they MUST be in the log. */
export interface PermittedOrder {
  readonly grant: Statement<GrantPayload> | null
  readonly certificates: readonly Statement<UserPayload>[]
}

/**
 * Whether an order is permitted (PROTOCOL 2.4): by the source itself, another device with role `order`, or a grant that covers it.
 * @throws {KeyferryError} `order-invalid`, `grant-exceeded`
 */
export async function checkPermitted(question: OrderQuestion): Promise<PermittedOrder> {
  const { order, ownerSet, at } = question
  const grant = await genuineGrant(question)
  const certificates = grant === null ? [] : await genuineCertificates(question, grant.payload.to.cas)
  await checkOrder(order, {
    ownerSet,
    at,
    ...(grant === null ? {} : { grant }),
    certifiedBy: new Set(certificates.map((certificate) => certificate.kid)),
  })
  return { grant, certificates }
}

async function genuineGrant({ order, ownerSet, received }: OrderQuestion): Promise<Statement<GrantPayload> | null> {
  const ref = order.payload.grant
  if (ref === undefined) return null
  const grant = received.get(grantStatement, ref)
  if (grant === null) throw new KeyferryError('order-invalid', 'the grant that the order names was not sent')
  try {
    await checkGrant(grant, ownerSet)
  } catch (cause) {
    if (!(cause instanceof KeyferryError)) throw cause
    throw new KeyferryError('order-invalid', 'the grant is not one of the owner', {}, { cause })
  }
  return grant
}

/** The grant names its CAs, so the owner trusts them for this, whether or not this device does. */
async function genuineCertificates(
  { certificates, ownerSet, at }: OrderQuestion,
  caIds: readonly Thumbprint[],
): Promise<readonly Statement<UserPayload>[]> {
  const genuine: Statement<UserPayload>[] = []
  for (const certificate of certificates) {
    try {
      await checkUserStatement(certificate, { origin: ownerSet.origin, caIds, now: at })
      genuine.push(certificate)
    } catch (error) {
      // one that does not verify admits nobody
      if (!(error instanceof KeyferryError)) throw error
    }
  }
  return genuine
}
