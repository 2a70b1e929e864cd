/** Failures of the device itself, which no peer ever hears of: files, passphrases, formats. What travels is a KeyferryError. */
export const DEVICE_ERRORS = {
  'agent-running': 'another agent of this device is running',
  'file-exists': 'the file exists',
  'key-encrypted': 'the key file is protected by a passphrase',
  'key-format-unknown': 'the file holds no key of a known form',
  'key-is-public': 'this is a public key: there is nothing secret in it',
  'key-kind-unsupported': 'keys of this kind are not supported',
  'passphrase-needed': 'a passphrase is needed',
  'passphrase-wrong': 'the passphrase does not fit',
  'permissions-too-open': 'others can read or change it',
  'enrolment-running': 'another command makes a device in this folder',
  'profile-absent': 'there is no device here yet',
  'profile-damaged': 'the files of this device are damaged',
  'profile-incomplete': 'the key file of this device is missing: master.key',
  'profile-newer': 'a newer program wrote the files of this device',
  'profile-unusable': 'the place of this device is no folder',
  'root-elsewhere': 'this device does not hold your root key',
  'root-outdated': 'this is not your current root key',
  'set-elsewhere': 'another device signed your newest set',
  'tls-ca-damaged': 'tls-ca.pem in the folder of this device is no certificate',
} as const
export type DeviceErrorCode = keyof typeof DEVICE_ERRORS

/** `code` is API; `message` and `hint` (what to do now) are for people and carry no secret. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError'
  readonly code: DeviceErrorCode
  readonly hint: string | null
  constructor(code: DeviceErrorCode, hint: string | null = null, options?: ErrorOptions) {
    super(DEVICE_ERRORS[code], options)
    this.code = code
    this.hint = hint
  }
}
