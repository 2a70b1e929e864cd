/** What can be wrong with a server before it serves. No peer ever hears of these: what travels is a KeyferryError. */
export const SETUP_ERRORS = {
  'data-absent': 'there is no data of a server in this folder',
  'data-in-use': 'another server uses this data folder',
  'file-exists': 'the file exists',
  'key-file-damaged': 'a key file of this server does not hold the key that it should',
  'address-unusable': 'the server cannot listen there',
  'origin-changed': 'this data folder was made for another origin',
  'permissions-too-open': 'others can read or change it',
  'policy-invalid': 'the policy is not valid',
  'settings-invalid': 'a setting is not as it should be',
  'tls-ca-unusable': 'the CA of this server does not fit its name, or ends soon',
  'tls-files-unusable': 'the TLS certificate and key cannot be used',
} as const
export type SetupErrorCode = keyof typeof SETUP_ERRORS

/** `code` is API; `message` and `hint` (what to do now) are for the operator and carry no secret. */
export class SetupError extends Error {
  override readonly name = 'SetupError'
  readonly code: SetupErrorCode
  readonly hint: string
  constructor(code: SetupErrorCode, hint: string, options?: ErrorOptions) {
    super(SETUP_ERRORS[code], options)
    this.code = code
    this.hint = hint
  }
}
