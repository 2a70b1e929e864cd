/** The server is who it was; only the time is not. */
export const CLOCK_HINT = 'set the clock of this machine, or of the server: from 300 s on nothing works'

/** What to do now, by code. A command that knows more says it itself (`Explained`, `CliError`). */
const HINTS: Readonly<Record<string, string>> = {
  'access-denied': 'ask whoever runs the server; `keyferry transfer show` names the rule that said no',
  'alg-not-allowed': 'compare `keyferry device show` on both devices: they need a suite in common that both allow',
  'already-installed': 'the device has this generation; to give it once more: keyferry send ... --again',
  'checkpoint-stale': 'the server waits for its witnesses; try again in a minute',
  'clock-behind': 'set the clock of this machine: it is behind what others have signed',
  'device-revoked':
    'this device was taken out of its user’s devices for good; a new one has a folder of its own: keyferry join --profile FOLDER',
  'device-suspended': 'whoever suspended it can lift that: keyferry device show',
  'file-exists': 'choose another name, or --force to replace it',
  'key-absent': 'see which keys are here: keyferry key list',
  'key-encrypted': 'take the passphrase off a copy, add the copy, delete it',
  'key-format-unknown':
    'known: OpenSSH, PEM, PKCS#8, age; for plain octets say what they are: --type aes, hmac or secret',
  'key-not-exportable': 'make a new key for the other device: keyferry key generate',
  'log-inconsistent':
    'stop here. Keep `keyferry evidence`, and ask your administrator: the server showed two histories',
  'no-common-suite': 'update the older of the two devices; `keyferry device show` lists what each can',
  'no-usable-target': 'nobody named can take this key now: keyferry device list',
  'not-found': 'it does not exist, or is not yours to see',
  'owner-untrusted': 'pin that person, from what `keyferry user pin --show` prints there: keyferry user pin STRING',
  'passphrase-needed': 'give --passphrase-file FILE, or set KEYFERRY_PASSPHRASE_FILE',
  'passphrase-wrong': 'try again: nobody can open it without',
  'permissions-too-open': 'take others’ rights away: chmod -R go= on the folder named',
  'pin-conflict': 'do not go on before you spoke to that person: keyferry user list',
  'profile-absent': 'a first device: keyferry init STRING; a further one: keyferry join',
  'profile-damaged': 'restore no backup of a device: join anew as a new device',
  'profile-newer': 'use the newer program',
  'read-only': 'the server protects its log and takes nothing now; ask whoever runs it',
  'response-invalid': 'somebody between, or a server that changed its key; keyferry doctor says more',
  'set-expired': 'the device that holds the root has to come online once to renew it: keyferry agent there',
  'state-conflict': 'look again and decide anew',
  'target-untrusted':
    'ask that person for `keyferry user pin --show`, or add your organisation’s CA: keyferry trust ca FILE',
  'too-many-requests': 'wait a little',
  'transport-key-unknown':
    'compare `keyferry device show` on both devices, keep `keyferry evidence` for your administrator',
  unavailable: 'try again; `keyferry doctor` says what is wrong',
  unreachable: 'is the server running, and is its address right? keyferry doctor',
  'user-ambiguous': 'ask your organisation which of the two is right before you go on',
  EADDRINUSE: 'another program listens there: --port N',
  EACCES: 'the system does not allow it',
}

export function hintFor(code: string): string | null {
  return Object.hasOwn(HINTS, code) ? (HINTS[code] ?? null) : null
}
