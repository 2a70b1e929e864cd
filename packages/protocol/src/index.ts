export { ALARMS, CHECK_SLUGS, type CheckSlug, NOT_YET } from './checks.ts'
export { type ErrorCode, type ErrorDetails, KeyferryError, withErrorCode } from './errors.ts'
export { acceptSignature, readAcceptSignature } from './http/accept-signature.ts'
export { checkContentDigest, contentDigest } from './http/content-digest.ts'
export { type HeaderFields, type HeaderReader, readerOf } from './http/headers.ts'
export { errorOfProblem, makeProblem, PROBLEM_MEDIA_TYPE, type Problem, readProblem } from './http/problem.ts'
export { isProblemCode, PROBLEMS, type ProblemCode } from './http/problems.ts'
export {
  checkRequestTime,
  type HttpRequestParts,
  nonceKeptUntil,
  type RequestSignatureOptions,
  type RequestTag,
  readRequestSignature,
  type SignatureHeaders,
  type SignedRequestFacts,
  signRequest,
} from './http/request-signature.ts'
export {
  type FindServerKey,
  type ReceivedResponse,
  type RequestBinding,
  type ResponseToSign,
  requestBinding,
  signResponse,
  type VerifiedResponse,
  verifyResponse,
} from './http/response-signature.ts'
export { dictionaryMember } from './http/structured-fields.ts'
export {
  type ContainerId,
  type DeliveryId,
  type DeviceId,
  type EnrolmentId,
  type GroupId,
  type Id,
  type IdPrefix,
  type KeyId,
  makeId,
  makeKeyId,
  type NoticeId,
  ownerOf,
  parseId,
  parseKeyId,
  parseThumbprint,
  type Ref,
  rawId,
  type SharedSecretId,
  type Thumbprint,
  type TransferId,
  type UserId,
} from './ids/ids.ts'
export { type PublicSigningJwk, type SignatureAlg, type TransportJwk, thumbprint } from './jose/jwk.ts'
export {
  type JwsParts,
  joinCompact,
  readJws,
  refOf,
  signJws,
  splitCompact,
  type UnverifiedJws,
  verifyJws,
} from './jose/jws.ts'
export type { Signer } from './jose/signer.ts'
export { concatOctets, fromBase64, fromBase64url, fromUtf8, toBase64, toBase64url, utf8 } from './json/base64url.ts'
export {
  AlgShape,
  b64uShape,
  CountShape,
  DEVICE_KINDS,
  DeliveryIdShape,
  type DeviceKind,
  DeviceKindShape,
  type EpochSeconds,
  EpochSecondsShape,
  EXPOSURES,
  type Exposure,
  ExposureShape,
  type Ext,
  ExtShape,
  fitShape,
  idShape,
  KeyIdShape,
  type Mechanism,
  MechanismShape,
  type MinExposure,
  MinExposureShape,
  OriginShape,
  octetLength,
  reachesExposure,
  readStrictly,
  SigningJwkShape,
  TextShape,
  ThumbprintShape,
  TransferIdShape,
  TransportJwkShape,
  UserNameShape,
} from './json/shapes.ts'
export { type JsonValue, parseStrictJson } from './json/strict-json.ts'
export { type KbkdfLabel, kbkdf } from './kbkdf.ts'
