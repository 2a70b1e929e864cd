import {
  type DevicePayload,
  type EpochSeconds,
  type Exposure,
  namedThumbprint,
  type TransportOption,
  type UserId,
} from '@keyferry/protocol'

/** Suites whose wrapped key carries no context of its own: their transport keys take the keys of one owner (PROTOCOL 8). */
const BLOB_SUITES: ReadonlySet<string> = new Set([
  'RSA-OAEP-256',
  'RSA-OAEP-256+A256KWP',
  'RSA-OAEP-256+A256KW',
  'RSA-OAEP',
  'RSA-OAEP+A256KWP',
  'TPM2-IMPORT',
])

export interface OptionWithExposures {
  readonly option: TransportOption
  readonly exposures: { readonly source: Exposure; readonly target: Exposure }
}

/**
 * What source and target have in common for mechanism (a), best suite first, within a suite the latest key (PROTOCOL 7). A proposal:
 * the source decides by its own order (S10). `once` keys are left to whoever hands them out for one delivery.
 */
export function commonOptions(
  source: DevicePayload,
  target: DevicePayload,
  facts: { readonly suites: readonly string[]; readonly owner: UserId; readonly now: EpochSeconds },
): readonly OptionWithExposures[] {
  return facts.suites.flatMap((alg) => {
    const wrap = source.wrap.find((entry) => entry.alg === alg)
    if (wrap === undefined) return []
    return target.enc
      .filter((key) => key.alg === alg && key.once !== true && key.nbf - 60 <= facts.now && facts.now < key.exp)
      .filter((key) => !BLOB_SUITES.has(alg) || (key.owner ?? target.user) === facts.owner)
      .sort((a, b) => b.nbf - a.nbf)
      .map((key) => ({
        option: { alg, kid: namedThumbprint(key.jwk) },
        exposures: { source: wrap.exposure, target: key.exposure },
      }))
  })
}
