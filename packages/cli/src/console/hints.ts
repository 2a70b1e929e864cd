import { EXIT, type ExitCode } from './exit-codes.ts'

/** The server is who it was; only the time is not. */
export const CLOCK_HINT =
  'set the clock of this machine, or of the server: more than 60 s ahead of it, or 300 s behind, nothing works'

/**
 * What to do now, by code. A command that knows more says it itself (`Explained`, `CliError`). Options stand behind their command, since
 * many commands meet the same code.
 */
const HINTS: Readonly<Record<string, string>> = {
  'access-denied': 'ask whoever runs the server; `keyferry transfer show` names the rule that said no',
  'alg-not-allowed': 'compare `keyferry device show` on both devices: they need a suite in common that both allow',
  'already-installed': 'the device has this generation; to give it once more: keyferry send ... --again',
  'checkpoint-invalid':
    'send nothing now; ask whoever runs the server: if a new log was begun there, its key is accepted where your root key is: keyferry trust log VKEY',
  'checkpoint-stale':
    'try again in a minute; if it stays so, ask whoever runs the server: was it restored from an older copy, or do its witnesses not answer?',
  'clock-behind': 'set the clock of this machine: it is behind what others have signed',
  'device-revoked':
    'this device was taken out of its user’s devices for good; a new one has a folder of its own: keyferry join --profile FOLDER',
  'device-suspended': 'whoever suspended it can lift that: keyferry device show',
  'envelope-exists':
    'the server says that it has another envelope, which this device did not make: it lies, or somebody has the key of this device; keep `keyferry log alarms --json` for your administrator',
  'file-exists': 'choose another name, or take that file away first',
  'key-absent': 'see which keys are here: keyferry key list',
  'key-encrypted': 'give its passphrase: keyferry key add FILE --key-passphrase-file FILE',
  'key-format-unknown': 'known: OpenSSH, PEM, PKCS#8, age; for plain octets: keyferry key add FILE --type secret',
  'key-unknown':
    'the server does not know this device: is it the right server; was it restored from an older copy? Then join anew as a new device',
  'key-kind-unsupported': 'known: Ed25519, P-256, P-384, P-521, RSA; else make a new one: keyferry key generate',
  'key-not-exportable': 'make a new key for the other device: keyferry key generate',
  'log-inconsistent':
    'the server showed two histories: ask your administrator which is true; what is kept, and how to go on: keyferry log alarms',
  malformed: 'look whether it was copied whole, and in quotes',
  'no-common-suite': 'update the older of the two devices; `keyferry device show` lists what each can',
  'no-usable-target':
    'nobody named can take this key now: keyferry device list; somebody who began anew has to be pinned anew: keyferry user pin',
  'not-found': 'it does not exist, or is not yours to see',
  'owner-untrusted': 'pin that person, from what `keyferry user pin --show` prints there: keyferry user pin STRING',
  'passphrase-needed': 'give --passphrase-file FILE, or set KEYFERRY_PASSPHRASE_FILE',
  'passphrase-wrong': 'try again: nobody can open it without',
  'permissions-too-open': 'take others’ rights away: chmod -R go= on the folder named',
  'pin-conflict': 'do not go on before you spoke to that person; whom you pinned: keyferry user pin',
  'profile-absent': 'a first device: keyferry init STRING; a further one: keyferry join',
  'profile-damaged': 'restore no backup of a device: join anew as a new device',
  'profile-incomplete':
    'put it back from where it went; no other key opens this device: else join anew as a new device',
  'profile-newer': 'use the newer program',
  'profile-unusable': 'name a folder: --profile FOLDER',
  'read-only': 'the server protects its log and takes nothing now; ask whoever runs it',
  'receipt-overdue':
    'the time is over, and nothing says that the key arrived: ask there; keep `keyferry evidence TRANSFER` for your administrator',
  replayed:
    'two envelopes were shown for one delivery: keep what `keyferry log alarms --json` prints for your administrator',
  'response-invalid': 'somebody between, or a server that changed its key',
  'set-expired': 'the device that holds the root has to come online once to renew it: keyferry agent there',
  'signature-expired': `try it once more, in case the server has just started; else ${CLOCK_HINT}`,
  'state-conflict': 'look again and decide anew',
  'store-failed':
    'what the system says: --verbose; if the files of this device are damaged, restore no backup: join anew as a new device',
  'target-untrusted':
    'ask that person for `keyferry user pin --show`, or add your organisation’s CA: keyferry trust ca FILE',
  'too-many-requests': 'wait a little',
  'transport-key-unknown':
    'compare `keyferry device show` on both devices, keep `keyferry evidence` for your administrator',
  unavailable: 'try again in a minute',
  unreachable: 'is the server running, and is its address right?',
  'user-ambiguous': 'ask your organisation which of the two is right before you go on',
  'address-in-use': 'another program listens there: keyferry serve --port N',
  'disk-full': 'make room on it, and run it again',
  'file-absent': 'look at the path: ls -l there',
  'is-a-folder': 'name a file in it',
  'no-folder': 'look at the path: a part of it is a file',
  'permission-denied': 'look whose it is: ls -l there; run it as that user, or choose another place',
  'disk-read-only': 'choose another place',
}

/** Where `keyferry doctor` finds out more: it looks at a device that has joined, and is itself no advice to a doctor. */
const FOR_DOCTOR: ReadonlySet<string> = new Set(['response-invalid', 'unavailable', 'unreachable'])

/** @param who - `newcomer`: there is no device yet, or the doctor asks itself. */
export function hintFor(code: string, who: 'device' | 'newcomer' = 'device'): string | null {
  const hint = Object.hasOwn(HINTS, code) ? (HINTS[code] ?? null) : null
  return hint !== null && who === 'device' && FOR_DOCTOR.has(code) ? `${hint}; more: keyferry doctor` : hint
}

/** Where the same code says something of the other side. */
const OF_A_DELIVERY: Readonly<Record<string, string>> = {
  'device-revoked':
    'a device in it is not in the newest set of its user: `keyferry device list` shows yours; for another person, ask there',
}

/** What to do about a delivery that a check stopped. */
export function hintForDelivery(code: string): string | null {
  return (Object.hasOwn(OF_A_DELIVERY, code) ? OF_A_DELIVERY[code] : hintFor(code)) ?? null
}

/** Of a transfer: what a check that stopped it means, where the command does not know more. */
export function hintForTransfer(code: string, exit: ExitCode): string | null {
  const hint = hintForDelivery(code)
  if (hint !== null || exit !== EXIT.stoppedByCheck) return hint
  return 'do not go on; keep `keyferry evidence TRANSFER` for your administrator'
}

/** Where neither the command nor the code knows more. */
export function hintForExit(exit: ExitCode): string {
  switch (exit) {
    case EXIT.wrongUse:
      return 'look at it with --help'
    case EXIT.refused:
      return 'nothing was changed; `keyferry doctor` says how things stand'
    case EXIT.stoppedByCheck:
      return 'do not go on before you know why: show this to your administrator, with --verbose'
    case EXIT.notReachable:
      return 'try again later'
    default:
      return 'look for what is wrong: keyferry doctor'
  }
}

/** All of them, for the test that what they name is there. */
export const ALL_HINTS: readonly string[] = [...Object.values(HINTS), ...Object.values(OF_A_DELIVERY)]
