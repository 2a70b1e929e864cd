export { equalOctets, hmacSha256, sha256, verifySignature } from '#platform'
export { ALARMS, CHECK_SLUGS, type CheckSlug, NOT_YET } from './checks.ts'
export {
  DELIVERY_STATES,
  type DeliveryState,
  holdsWrappedKey,
  isTerminal,
  REFUSAL_STAGES,
  type RefusalStage,
  type TransferState,
  transferState,
  WAITS,
  type Wait,
} from './delivery/states.ts'
export {
  checkDeadline,
  DELIVERY_EVENTS,
  type DeliveryEvent,
  type DeliveryProgress,
  isOverdue,
  MAX_ATTEMPTS,
  MAX_COLLECTIONS,
  MAX_DEADLINE_SECONDS,
  MOVES,
  mayRefuse,
  mayRetry,
  receiptStanding,
  transition,
} from './delivery/transition.ts'
export { type ErrorCode, type ErrorDetails, KeyferryError, withErrorCode } from './errors.ts'
export { acceptSignature, readAcceptSignature } from './http/accept-signature.ts'
export { checkContentDigest, contentDigest } from './http/content-digest.ts'
export { type HeaderFields, type HeaderReader, readerOf } from './http/headers.ts'
export { errorOfProblem, makeProblem, PROBLEM_MEDIA_TYPE, type Problem, readProblem } from './http/problem.ts'
export { isProblemCode, PROBLEMS, type ProblemCode } from './http/problems.ts'
export {
  checkRequestTime,
  type HttpRequestParts,
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
export {
  type CheckedCheckpoint,
  type Checkpoint,
  type CheckpointRules,
  checkCheckpoint,
  checkpointMark,
  checkpointText,
  logNameOf,
  MAX_CHECKPOINT_AGE_SECONDS,
  readCheckpoint,
  signCheckpoint,
  type TreeHead,
} from './log/checkpoint.ts'
export { cosignatureLine, verifyCosignature } from './log/cosignature.ts'
export { type LeafTyp, type LogLeaf, leafSubject, leafText, makeLeaf, parseLeaf, tagFor } from './log/leaf.ts'
export {
  type ConsistencyClaim,
  emptyRoot,
  type InclusionClaim,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from './log/merkle.ts'
export {
  type NoteSignature,
  readNote,
  type SignedNote,
  signatureLine,
  signaturesBy,
  signNote,
  verifyNote,
} from './log/note.ts'
export { checkConsistency, checkInclusion } from './log/proofs.ts'
export {
  consistencyRanges,
  foldNodes,
  inclusionRanges,
  type LeafRange,
  nodesOf,
  type TreeNode,
} from './log/subtrees.ts'
export { makeVkey, noteKeyId, parseVkey, type Vkey, type VkeyUse } from './log/vkey.ts'
export {
  type AnswerExpectation,
  type CheckedChallenge,
  checkEnrolmentAnswer,
  type EnrolmentAnswer,
  readEnrolmentAnswer,
  writeEnrolmentAnswer,
} from './pairing/answer.ts'
export {
  CHALLENGE_OCTETS,
  type Challenge,
  type ChallengeBinding,
  ChallengeShape,
  checkPossession,
  makeChallengeBinding,
  type PossessionAnswer,
  PossessionAnswerShape,
  possessionMac,
  readChallengeBinding,
} from './pairing/challenge.ts'
export { checkPairingMac, type PairingStep, pairingKey, pairingMac } from './pairing/pairing-mac.ts'
export {
  type FirstDeviceString,
  isPairing,
  makePairingCode,
  makePairingString,
  PAIRING_LIFETIME_SECONDS,
  type PairingString,
  parsePairingString,
} from './pairing/pairing-string.ts'
export { makePinText, type PinText, parsePinText } from './pairing/pin-text.ts'
export { type CheckpointMark, CheckpointMarkShape } from './statements/checkpoint-mark.ts'
export type { ClassMembers, MechanismMembers } from './statements/delivery-members.ts'
export {
  type Attestation,
  type Capability,
  type DevicePayload,
  deviceStatement,
  type TransportKeyOffer,
} from './statements/device.ts'
export {
  checkDeviceStatement,
  type DeviceExpectation,
  findOffer,
  keyIdsOf,
  offerTakes,
} from './statements/device-checks.ts'
export {
  type DeviceRole,
  type DeviceSetPayload,
  deviceSetStatement,
  type Revocation,
  type SetDevice,
  type Trust,
} from './statements/device-set.ts'
export {
  checkDeviceSet,
  checkHandover,
  checkSuccessor,
  deviceIn,
  handoverRefs,
  isRevoked,
  refuseSetRollback,
  rootsOf,
  type SeenSet,
  type SetExpectation,
} from './statements/device-set-checks.ts'
export {
  ENVELOPE_TYP,
  type Envelope,
  type EnvelopeParts,
  type EnvelopePayload,
  readEnvelope,
  signEnvelope,
  verifyEnvelope,
} from './statements/envelope.ts'
export { equalJson } from './statements/equal-json.ts'
export type { Evidence, InclusionProof } from './statements/evidence.ts'
export { type GrantPayload, type GrantTo, grantStatement } from './statements/grant.ts'
export { checkGrant, type GrantFacts, grantCovers } from './statements/grant-checks.ts'
export {
  type KeyTransferAnswer,
  KeyTransferAnswerShape,
  type KeyTransferInfo,
  KeyTransferInfoShape,
  readKeyTransferAnswer,
  readKeyTransferInfo,
} from './statements/key-transfer-info.ts'
export { asSigningJwk, asTransportJwk, type NamedJwk, namedThumbprint } from './statements/named-jwk.ts'
export { NOTICE_REASONS, type NoticePayload, type NoticeType, noticeStatement } from './statements/notice.ts'
export { makeNotice, type NoticeFacts, noticeIsLive } from './statements/notice-checks.ts'
export { type OrderPayload, orderStatement } from './statements/order.ts'
export {
  type DeliveryTerms,
  orderEqualsDelivery,
  orderEqualsKeyTransferInfo,
  orderEqualsKti,
  orderTakesOption,
} from './statements/order-equality.ts'
export {
  type KeyClass,
  KeyClassShape,
  type KeyType,
  KeyTypeShape,
  type OrderKey,
  OrderKeyShape,
} from './statements/order-key.ts'
export { checkOrder, type PermissionFacts, type Permitter } from './statements/order-permission.ts'
export { type ReceiptKey, type ReceiptPayload, receiptStatement, UNREADABLE_REASONS } from './statements/receipt.ts'
export { checkReceipt, type ReceiptFacts, receiptMatches } from './statements/receipt-checks.ts'
export { soundSigningKey } from './statements/signing-key.ts'
export {
  CLOCK_SKEW_SECONDS,
  checkLife,
  inTime,
  MAX_LIFE_SECONDS,
  MAX_LONG_LIFE_SECONDS,
  readStatement,
  type Statement,
  type StatementType,
  signStatement,
  type Validity,
  verifyStatement,
} from './statements/statement.ts'
export { openBundle, type StatementBundle } from './statements/statement-bundle.ts'
export {
  readTransportKeyInfo,
  type TransportKeyInfo,
  TransportKeyInfoShape,
  type TransportOption,
} from './statements/transport-key-info.ts'
export { type UserPayload, userStatement } from './statements/user.ts'
export { checkUserStatement, type UserExpectation } from './statements/user-checks.ts'
export {
  isWrappedJwe,
  type WrappedBlob,
  type WrappedJwe,
  type WrappedKey,
  WrappedKeyShape,
} from './statements/wrapped-key.ts'
export { hpke7 } from './suites/hpke-7.ts'
export { keyOctetsFit, MAX_KEY_OCTETS } from './suites/key-octets.ts'
export { transportKeyIsValid } from './suites/public-key.ts'
export { rsaOaep256 } from './suites/rsa-oaep-256.ts'
export type { BlobSuite, JweSuite, Sealed, TransportKeyPair } from './suites/suite.ts'
export { SUITES, type SuiteForm, suiteForm, takesOneOwner } from './suites/suite-table.ts'
export {
  blobSuite,
  jweSuite,
  type UnwrapQuestion,
  unwrapKey,
  type WrapQuestion,
  wrapKey,
  wrapsInSoftware,
} from './suites/wrapped.ts'
export { checkWrapped, type WrappingTerms } from './suites/wrapped-checks.ts'
