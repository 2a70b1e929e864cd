/** What `keyferry agent --install` writes: a unit of the user's own systemd. */
export interface AgentService {
  /** Absolute paths of the runtime and of the launcher. */
  readonly node: string
  readonly launcher: string
  readonly profile: string
  /** File with the passphrase of the profile, which systemd reads and hands over; null: the profile has none. */
  readonly passphraseFile: string | null
}

export const UNIT_NAME = 'keyferry-agent.service'

/**
 * The agent may write where keys are to be installed, so the home folder stays writable; all else that an agent does not need is
 * taken away. The passphrase reaches it as a credential (systemd.exec, LoadCredential), never by argument or environment.
 */
export function systemdUnit({ node, launcher, profile, passphraseFile }: AgentService): string {
  const passphrase = passphraseFile === null ? [] : [`LoadCredential=passphrase:${escapePath(passphraseFile)}`]
  const hand = passphraseFile === null ? '' : ' --passphrase-file %d/passphrase'
  return [
    '[Unit]',
    'Description=Keyferry agent: hands over and takes in keys',
    'Documentation=man:keyferry(1)',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    `ExecStart=${quote(node)} ${quote(launcher)} --profile ${quote(profile)}${hand} agent`,
    ...passphrase,
    'Restart=on-failure',
    'RestartSec=10',
    // 3 and 4: a person or a check stopped it. Starting again does not change that.
    'RestartPreventExitStatus=2 3 4',
    'UMask=0077',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictSUIDSGID=yes',
    'RestrictRealtime=yes',
    'SystemCallArchitectures=native',
    'LimitCORE=0',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n')
}

/** systemd.service, "Command lines": quotes, and `%` and `$` doubled. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`
}

function escapePath(path: string): string {
  return path.replaceAll('%', '%%')
}
