export {
  aDevice,
  aDeviceSet,
  aDeviceStatement,
  aGrant,
  aHandoverSet,
  aKeyId,
  anOrder,
  aReceipt,
  aUser,
  aUserStatement,
  DAY_SECONDS,
  type DeviceOptions,
  inSet,
  keysOf,
  ORIGIN,
  type SetOptions,
  type TestDevice,
  type TestUser,
} from './builders.ts'
export { anEnvelopeFor, anOrderFor, type EnvelopeOptions, KEY_OCTETS, type TestEnvelope } from './envelopes.ts'
export {
  type ExampleSigner,
  type ExampleTransportKey,
  exampleSigner,
  exampleTransportKey,
} from './example-keys.ts'
export { type FakeClock, fakeClock, NOW } from './fake-clock.ts'
export { type FakeRandom, fakeRandom } from './fake-random.ts'
export { A_MAC, aPairingAnswer, aPairingProof } from './pairing.ts'
