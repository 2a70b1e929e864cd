import { type DeviceSetPayload, type PossessionAnswer, type Statement, toBase64url, utf8 } from '@keyferry/protocol'
import type { TestDevice } from './builders.ts'

/** Some 32 octets: the macs of pairing (PROTOCOL 3) are checked by the devices, never by the server. */
export const A_MAC: string = toBase64url(new Uint8Array(32).fill(7))

/** What the device that invites answers to the one that claimed, as far as a server looks into it. */
export function aPairingAnswer(
  en: string,
  device: TestDevice,
  set: Statement<DeviceSetPayload>,
): { readonly answer: string; readonly mac: string } {
  const { kid } = device.transport
  const content = {
    v: 1,
    en,
    statement: device.statement.ref,
    set: set.ref,
    serverKeys: [device.id],
    checkpoint: { size: 1, root: A_MAC },
    challenges: [{ kid, binding: toBase64url(utf8('{}')), wrapped: { alg: 'RSA-OAEP-256', kid, blob: 'AAAA' } }],
  }
  return { answer: toBase64url(utf8(JSON.stringify(content))), mac: A_MAC }
}

/** What the new device proves with that it can open what is sealed to its transport key. */
export function aPairingProof(device: TestDevice): { answers: PossessionAnswer[] } {
  return { answers: [{ kid: device.transport.kid, mac: A_MAC }] }
}
