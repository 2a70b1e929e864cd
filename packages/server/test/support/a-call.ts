import type { DeliveryId, KeyId, Thumbprint } from '@keyferry/protocol'
import type { AccessCall, AccessParty } from '../../src/access/access-call.ts'

/** Calls for tests: that of PROTOCOL 6, and what a test changes in it. */

export const LUIS = '8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA' as Thumbprint
export const MARTA = '0NcTMSlAa8MSA6mfrR5o926JOmIM_61V2CLW82ymCcs' as Thumbprint
export const PAULA = 'FVE8zxIrHseOf3EmSUdYf4Hks01oE-bAhGDPskj3fh8' as Thumbprint
export const TABLET = '4KyTSRw6wYuXtvLsbaUNniSaG48dmIRlZFiNMLFuv6k' as Thumbprint
export const PHONE = 'WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc' as Thumbprint
export const NOW = 1795521600

export const aSource: AccessParty = {
  device: TABLET,
  user: LUIS,
  kind: 'uicc',
  exposure: 'software',
  attested: false,
  suspended: false,
}
export const aTarget: AccessParty = {
  device: PHONE,
  user: MARTA,
  kind: 'ese',
  exposure: 'host-transient',
  attested: true,
  suspended: false,
}

export interface CallChanges {
  readonly subject?: AccessCall['subject']
  readonly action?: AccessCall['action']['name']
  readonly context?: Partial<AccessCall['context']>
}

export function aCall(changes: CallChanges = {}): AccessCall {
  return {
    subject: changes.subject ?? { type: 'user', id: LUIS },
    action: { name: changes.action ?? 'keyferry.release' },
    resource: {
      type: 'key',
      id: `${LUIS}/0tpbn4f2neatkmt5s8z6wygmzj` as KeyId,
      properties: { class: 'container', generation: 1 },
    },
    context: {
      stage: 'ac2',
      delivery: 'dl_0kz5s8wc31gks89569erpva0kj' as DeliveryId,
      attempt: 1,
      purpose: 'share',
      mechanism: 'public-key',
      alg: 'HPKE-7',
      now: NOW,
      source: aSource,
      target: aTarget,
      proof: { party: 'target', method: 'device-signature', at: NOW - 10, code: false },
      orderBy: 'source',
      approvals: [],
      copies: 2,
      ...changes.context,
    },
  }
}

/** The call of E1: no delivery, no attempt, no target. */
export function anEarlyCall(subject: AccessCall['subject'], withSource = true): AccessCall {
  const { delivery: _d, attempt: _a, target: _t, alg: _l, source, ...context } = aCall().context
  return {
    ...aCall({ subject, action: 'keyferry.admit' }),
    context: { ...context, stage: 'ac1', ...(withSource && source !== undefined ? { source } : {}) },
  }
}
