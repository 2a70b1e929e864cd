/** Node's words for a certificate that none of the known CAs made. */
const UNKNOWN_CA: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  // Another CA of the same name.
  'CERT_SIGNATURE_FAILURE',
])

/** Whether a server was not reached because of its CA: it runs, and its address is right. */
export function isOfUnknownCa({ cause }: Error): boolean {
  return cause instanceof Error && UNKNOWN_CA.has((cause as { code?: string }).code ?? '')
}

/** Of a device that has joined; who joins gives `--tls-ca`. */
export const UNKNOWN_CA_HINT =
  'if the server got a new CA, copy its tls/ca.pem to tls-ca.pem in the folder of this device; else somebody may be between'
