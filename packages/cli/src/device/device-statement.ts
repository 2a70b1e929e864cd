import { findDevice, type OpenDevice } from '@keyferry/device'
import {
  checkDeviceStatement,
  type DeviceId,
  type DevicePayload,
  deviceStatement,
  fromUtf8,
  namedThumbprint,
  type Ref,
  readStatement,
} from '@keyferry/protocol'

/** What a device says of itself, as it can be printed: public keys by their thumbprints. */
export interface DeviceStatementShown {
  readonly ref: Ref
  readonly payload: Pick<DevicePayload, 'seq' | 'iat' | 'exp' | 'kind' | 'wrap'> & {
    readonly enc: readonly {
      readonly alg: string
      readonly kid: string
      readonly exposure: string
      readonly exp: number
    }[]
  }
}

/**
 * The newest statement that the server shows of a device of the own user, its signature checked.
 * @throws {KeyferryError} `statement-invalid`
 */
export async function fetchDeviceStatement(open: OpenDevice, device: DeviceId): Promise<DeviceStatementShown> {
  const { statement: ref } = await findDevice(open, device)
  const answer = await open.client.call({ method: 'GET', path: `/v1/statements/${ref}` })
  const statement = readStatement(deviceStatement, fromUtf8(answer.content))
  const { origin, user } = open.store.seen.state()
  await checkDeviceStatement(statement, { origin, user })
  const { seq, iat, exp, kind, wrap, enc } = statement.payload
  const keys = enc.map((offer) => ({
    alg: offer.alg,
    kid: namedThumbprint(offer.jwk),
    exposure: offer.exposure,
    exp: offer.exp,
  }))
  return { ref, payload: { seq, iat, exp, kind, wrap, enc: keys } }
}
