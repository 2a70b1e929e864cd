import {
  type DevicePayload,
  type EpochSeconds,
  type Exposure,
  findOffer,
  inTime,
  namedThumbprint,
  offerTakes,
  type TransportOption,
  type UserId,
} from '@keyferry/protocol'

export interface Exposures {
  readonly source: Exposure
  readonly target: Exposure
}

export interface OptionWithExposures {
  readonly option: TransportOption
  readonly exposures: Exposures
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
      .filter((key) => key.alg === alg && key.once !== true && inTime(key, facts.now) === 'in-time')
      .filter((key) => offerTakes(key, target.user, facts.owner))
      .sort((a, b) => b.nbf - a.nbf)
      .map((key) => ({
        option: { alg, kid: namedThumbprint(key.jwk) },
        exposures: { source: wrap.exposure, target: key.exposure },
      }))
  })
}

/** What both sides say of the option that an order took; the lowest where a statement no longer has it. */
export function exposuresOf(source: DevicePayload, target: DevicePayload, { alg, kid }: TransportOption): Exposures {
  const offer = kid === undefined ? null : findOffer(target, kid)
  return {
    source: source.wrap.find((entry) => entry.alg === alg)?.exposure ?? 'software',
    target: offer?.exposure ?? 'software',
  }
}
