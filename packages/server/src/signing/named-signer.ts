import {
  asSigningJwk,
  type Envelope,
  type NamedJwk,
  type Statement,
  verifyEnvelope,
  verifyStatement,
} from '@keyferry/protocol'

/** Whether a key that a set or grant names made the signature; a kind of key that we do not verify with made none. */
export async function isSignedBy(statement: Statement<unknown>, key: NamedJwk): Promise<boolean> {
  const jwk = asSigningJwk(key)
  return jwk !== null && verifyStatement(statement, jwk)
}

export async function isEnvelopeSignedBy(envelope: Envelope, key: NamedJwk): Promise<boolean> {
  const jwk = asSigningJwk(key)
  return jwk !== null && verifyEnvelope(envelope, jwk)
}
