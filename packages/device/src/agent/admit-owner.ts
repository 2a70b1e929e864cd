import {
  type DeliveryId,
  type EpochSeconds,
  fromBase64url,
  KeyferryError,
  type KeyTransferAnswer,
  openBundle,
  ownerOf,
  readKeyTransferInfo,
  type UserId,
} from '@keyferry/protocol'
import { certificatesOf } from '../trust/certificates.ts'
import { checkOwnSet } from '../trust/target-checks.ts'
import { withTrust } from '../trust/trust-state.ts'
import { type AcceptedRoot, acceptRoot } from '../trust/user-root.ts'
import { askHuman, type Consent } from './consent.ts'
import type { AgentParts } from './parts.ts'
import { requireOpenable } from './unwrap-failures.ts'

/**
 * Keys of another user are taken if a rule or the human admits him: asked before the envelope is collected (T3). Where nothing proves who
 * he is, a yes leads nowhere: the delivery waits until his human is pinned, and the question is then another one.
 */
export async function admitOwner(
  parts: AgentParts,
  dl: DeliveryId,
  attempt: number,
  answer: KeyTransferAnswer,
): Promise<Consent> {
  const kti = readKeyTransferInfo(fromBase64url(answer.binding))
  const owner = ownerOf(kti.key.id)
  const state = parts.store.seen.state()
  if (owner === state.user || parts.store.rules.find().owners.includes(owner)) return 'given'
  requireOpenable(parts, owner)
  const root = await ownerRoot(parts, owner, kti.iat, answer)
  const consent = askHuman(parts, {
    dl,
    attempt,
    kind: 'owner',
    facts: {
      owner,
      username: root?.username ?? '',
      how: root?.how ?? 'unknown',
      label: root?.username == null ? 'a key of somebody unknown' : `a key of ${root.username}`,
      class: kti.key.class,
      type: kti.key.type,
    },
    until: kti.exp,
  })
  return root === null ? 'asked' : consent
}

/** Null where nothing proves yet whose key it is. */
async function ownerRoot(
  { store, now }: AgentParts,
  owner: UserId,
  at: EpochSeconds,
  answer: KeyTransferAnswer,
): Promise<AcceptedRoot | null> {
  const state = store.seen.state()
  const rules = store.rules.find()
  const received = openBundle(answer.statements, 'envelope-malformed')
  const { trust } = (await checkOwnSet({ state, rules, now: now() }, received)).statement.payload
  const certificates = certificatesOf(received, owner)
  try {
    return await acceptRoot(withTrust(state, trust), rules, {
      user: owner,
      certificates,
      at,
      untrusted: 'owner-untrusted',
    })
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'owner-untrusted') return null
    throw error
  }
}
