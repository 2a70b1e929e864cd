export { type Agent, agent } from './agent/agent.ts'
export type { AgentEvent, AgentParts, InstallRule } from './agent/parts.ts'
export { type KeptReceipt, keepReceipt } from './agent/receipts.ts'
export { becomeSingleAgent } from './agent/single-agent.ts'
export { type Answer, type Call, type Client, client } from './client/client.ts'
export { nodeTransport } from './client/node-transport.ts'
export { pause } from './client/pause.ts'
export {
  ANSWER_TIMES,
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
  type Transport,
  UnreachableError,
} from './client/transport.ts'
export { type AddDeviceOptions, addDevice, type NewDevice } from './enrolment/add-device.ts'
export { fetchConfiguration, type ServerConfiguration } from './enrolment/configuration.ts'
export { type EnrolmentParts, type FirstDevice, makeFirstDevice } from './enrolment/first-device.ts'
export { type Joined, type JoinOptions, joinAsDevice } from './enrolment/join.ts'
export { becomeSingleEnrolment } from './enrolment/single-enrolment.ts'
export { DEVICE_ERRORS, DeviceError, type DeviceErrorCode } from './errors.ts'
export { type IfExists, writeFileAtomically } from './files/atomic-file.ts'
export { makePrivateFile, makePrivateFolder, requirePrivate } from './files/private-place.ts'
export { publicHalf } from './keys/private-key.ts'
export {
  isEncryptedKeyFile,
  type KeyFile,
  type KeyFileForm,
  type KeyFileHints,
  keyFileForm,
  MAX_KEY_FILE_OCTETS,
  readKeyFile,
} from './keys/read-key-file.ts'
export { type SshPublicKey, sshFingerprint, sshPublicLine } from './keys/ssh-public.ts'
export { type KeyFileFormat, writeKeyFile } from './keys/write-key-file.ts'
export {
  type ExportsKeys,
  exportsKeys,
  type HeldKey,
  type HoldsRoot,
  holdsRoot,
  type ImportsKeys,
  type InstallingDevice,
  importsKeys,
  isInstalling,
  isTransactional,
  type MakesTransportKeys,
  makesTransportKeys,
  type SecureDevice,
  type TransactionalDevice,
  type TransportKeyLife,
  type UnwrappedKey,
  type UnwrapRequest,
  type WrapRequest,
} from './keystores/secure-device.ts'
export {
  type AskPassphrase,
  asksPassphrase,
  changePassphrase,
  hasMasterKey,
  MASTER_KEY_FILE,
  makeMasterKey,
  openMasterKey,
} from './keystores/software/master-key.ts'
export type { PassphraseKdf } from './keystores/software/passphrase.ts'
export { makeSoftwareDevice, openSoftwareDevice, type SoftwareDevice } from './keystores/software/software-device.ts'
export {
  deviceTime,
  type OpenDevice,
  type OpenOptions,
  openDevice,
  refuseLostStore,
  systemRandom,
  systemTime,
  TLS_CA_FILE,
  tlsCa,
} from './open-device.ts'
export { acceptLog } from './own/accept-log.ts'
export { changeTrust } from './own/change-trust.ts'
export { currentCheckpoint } from './own/checkpoint.ts'
export { exportRootPaper, exportRootPem, readRootPaper, readRootPem } from './own/export-root.ts'
export { stopsTransfers } from './own/forked-log.ts'
export { liftAlarm } from './own/lift-alarm.ts'
export { type LoggedOptions, requireLogged } from './own/logged.ts'
export { newestSet, readyToSign, rootOf, type SetChange, signNextSet } from './own/next-set.ts'
export { publishKey } from './own/publish-key.ts'
export { type Renewed, renewOwn } from './own/renew.ts'
export { renewSet } from './own/renew-set.ts'
export { renewStatement } from './own/renew-statement.ts'
export { revokeDevice } from './own/revoke-device.ts'
export { rotateRoot } from './own/rotate-root.ts'
export { sendUnsentStatements } from './own/send-statements.ts'
export { followServerKeys, type ServerKeyChange } from './own/server-keys.ts'
export { removeRoot, resumeRoot, takeRoot } from './own/take-root.ts'
export { fileHolds } from './sinks/file.ts'
export type { OutgoingKey, Sink, SinkOptions } from './sinks/sink.ts'
export { makeSinks, SINK_NAMES, type SinkName } from './sinks/sinks.ts'
export type { Consent, ConsentStore } from './store/consents.ts'
export type { DeviceStore } from './store/device-store.ts'
export type { EnvelopeStore, MadeEnvelope } from './store/envelopes.ts'
export type { Identity, IdentityStore } from './store/identity.ts'
export type { Alarm, AlarmStore, ClockStore, Refusal, RefusalStore, UnwrapFailureStore } from './store/journal.ts'
export type { KeyRecord, KeyRecordStore } from './store/key-records.ts'
export type { MadeOrder, OrderStore } from './store/orders.ts'
export type { OwnStatement, OwnStatementStore } from './store/own-statements.ts'
export type { PinStore } from './store/pins.ts'
export type { Decision, Question, QuestionKind, QuestionStore } from './store/questions.ts'
export type { AwaitedReceipt, ReceiptStore } from './store/receipts.ts'
export type { Outcome, ReplayEntry, ReplayStore } from './store/replay.ts'
export type {
  SealedKeyOctets,
  SealedKeyStore,
  SealedSigningKey,
  SealedTransportKey,
} from './store/sealed-keys.ts'
export type { SeenStore } from './store/seen.ts'
export type { StoreHooks } from './store/sqlite/database.ts'
export {
  DEVICE_DATABASE,
  hasDeviceStore,
  memoryDeviceStore,
  openDeviceStore,
} from './store/sqlite/open-device-store.ts'
export type { StartedTarget, StartedTransfer, StartedTransferStore } from './store/started.ts'
export type { AnchorStore, RuleStore, ServerKey, ServerKeyStore } from './store/trust.ts'
export {
  cancelDelivery,
  fetchEvidence,
  listDecisions,
  listTransfers,
  retryDelivery,
  showTransfer,
} from './transfers/manage.ts'
export {
  type DeviceShown,
  fetchSet,
  findDevice,
  findUser,
  findUserNamed,
  labelOfKey,
  targetsOf,
  type UserShown,
} from './transfers/people.ts'
export { sentBefore } from './transfers/sent-before.ts'
export type { DeliveryShown, TransferShown } from './transfers/shown.ts'
export { type ChosenTarget, type StartQuestion, startTransfer } from './transfers/start.ts'
export type { OwnRecord } from './trust/own-record.ts'
export { DEFAULT_RULES, type LocalRules, type Pin, type TrustState } from './trust/trust-state.ts'
