import type { Routes } from '../parts.ts'
import { applicationRoutes } from './applications.ts'
import { approvalRoutes } from './approvals.ts'
import { cancellationRoutes } from './cancellation.ts'
import { collectionRoutes } from './collections.ts'
import { configurationRoutes } from './configuration.ts'
import { deliveryRoutes } from './deliveries.ts'
import { deviceRoutes } from './devices.ts'
import { enrolmentRoutes } from './enrolments.ts'
import { envelopeRoutes } from './envelopes.ts'
import { evidenceRoutes } from './evidence.ts'
import { healthRoutes } from './health.ts'
import { inboxRoutes } from './inbox.ts'
import { keyTransferInfoRoutes } from './key-transfer-info.ts'
import { keyRoutes } from './keys.ts'
import { logRoutes } from './log.ts'
import { noticeRoutes } from './notices.ts'
import { orderRoutes } from './orders.ts'
import { proofRoutes } from './proofs.ts'
import { receiptRoutes } from './receipts.ts'
import { refusalRoutes } from './refusal.ts'
import { retryRoutes } from './retry.ts'
import { statementRoutes } from './statements.ts'
import { transferRoutes } from './transfers.ts'
import { transportKeyInfoRoutes } from './transport-key-info.ts'
import { userRoutes } from './users.ts'

/** The endpoints of PROTOCOL 15, in the order of their table. */
export const ROUTES: readonly Routes[] = [
  configurationRoutes,
  enrolmentRoutes,
  statementRoutes,
  userRoutes,
  deviceRoutes,
  applicationRoutes,
  keyRoutes,
  transferRoutes,
  deliveryRoutes,
  approvalRoutes,
  proofRoutes,
  transportKeyInfoRoutes,
  orderRoutes,
  envelopeRoutes,
  refusalRoutes,
  keyTransferInfoRoutes,
  collectionRoutes,
  receiptRoutes,
  cancellationRoutes,
  retryRoutes,
  evidenceRoutes,
  inboxRoutes,
  noticeRoutes,
  logRoutes,
  healthRoutes,
]
