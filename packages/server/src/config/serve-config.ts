import { OriginShape } from '@keyferry/protocol'
import * as z from 'zod'
import type { Limits } from '../context.ts'
import { SetupError } from '../setup-error.ts'

const port = z.int().min(1).max(65535)
const path = z.string().min(1).max(4096)
const octets = (least: number, most: number, usual: number): z.ZodDefault<z.ZodInt> =>
  z.int().min(least).max(most).default(usual)

/** Who does TLS: this server with a CA of its own or with given files, or a proxy before it. */
export type TlsConfig =
  | { readonly by: 'own-ca' }
  | { readonly by: 'files'; readonly cert: string; readonly key: string }
  | { readonly by: 'proxy' }

/** The configuration of one server, complete and consistent. Each member is told in its setting. */
export interface ServeConfig {
  readonly dataFolder: string
  readonly origin: string
  readonly listenHost: string
  readonly listenPort: number
  readonly tls: TlsConfig
  readonly proofWindowSeconds: number
  readonly policyFile: string | null
  readonly suites: readonly string[]
  readonly witnesses: readonly { readonly vkey: string; readonly url: string }[]
  readonly checkpointSeconds: number
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug'
  readonly claimsPerMinute: number
  readonly unsignedPerMinute: number
  readonly limits: Limits
}

/**
 * Every setting of `keyferry serve`, with its default. The text of each says what it does and, where that is more than
 * trouble, what somebody gains who controls it; `keyferry serve --help` and the manual show these texts.
 */
const Settings = z.strictObject({
  dataFolder: path.describe(
    'Folder with everything that this server keeps, mode 0700. Who reads it can answer in the name of this server and sign its log; he still reads no key that is on its way. Who writes it can also make himself an administrator.',
  ),
  origin: OriginShape.optional().describe(
    'Address by which devices know this server, as https://host or https://host:port; default https://localhost and the port. It stands in every statement, so it cannot be changed later. Who controls the host name can take the place of this server, as far as a server is believed.',
  ),
  listenHost: z
    .string()
    .min(1)
    .max(255)
    .default('127.0.0.1')
    .describe('Address to listen at. With another than 127.0.0.1 or ::1, other machines reach this server.'),
  listenPort: port.default(8443).describe('Port to listen at.'),
  tlsCert: path
    .nullable()
    .default(null)
    .describe(
      'File with the TLS certificate and its chain (PEM). Without it the server makes a CA of its own in the data folder.',
    ),
  tlsKey: path
    .nullable()
    .default(null)
    .describe(
      'File with the private key of the TLS certificate (PEM). Who has it and stands between can watch who sends what to whom, and what a first device of somebody believes.',
    ),
  behindProxy: z
    .boolean()
    .default(false)
    .describe(
      'Speak plain HTTP to a proxy that does TLS. Whoever reaches the port directly then sees and sends what the proxy would, and chooses the address under which he is counted (X-Forwarded-For).',
    ),
  proofWindowSeconds: z
    .int()
    .min(60)
    .max(86_400)
    .default(900)
    .describe(
      'For how long a signed request proves that a device, or its user, is there. The longer, the more can be admitted or released in the name of a device that was stolen meanwhile.',
    ),
  policyFile: path
    .nullable()
    .default(null)
    .describe(
      'File with the Cedar policy to start with; default: one that permits own devices and other users. Who writes it can make the server refuse, or help with everything that a device orders; he cannot make a device order.',
    ),
  suites: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(16)
    .default(['HPKE-9', 'HPKE-7', 'ECDH-ES+A256KW', 'RSA-OAEP-256'])
    .describe('Suites that this server proposes, best first. A hint: a device takes only what its own rules allow.'),
  witnesses: z
    .array(z.strictObject({ vkey: z.string().min(1).max(1024), url: z.url({ protocol: /^https$/ }) }))
    .max(16)
    .default([])
    .describe(
      'Witnesses that are asked to cosign the log. Devices believe those that their users chose, not these; a witness learns how fast the log grows.',
    ),
  checkpointSeconds: z
    .int()
    .min(1)
    .max(60)
    .default(1)
    .describe('How long a new leaf of the log waits at most for its checkpoint. Nothing is released before.'),
  logLevel: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .describe(
      'How much the log of events says. Who reads it sees which devices deal with each other and when; never keys, bodies or names.',
    ),
  claimsPerMinute: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe(
      'How many enrolment codes may be tried from one network address. A code has 128 bits: this only saves work.',
    ),
  unsignedPerMinute: z
    .int()
    .min(1)
    .max(100_000)
    .default(600)
    .describe('How many requests without a valid signature are answered to one network address.'),
  limits: z
    .strictObject({
      bodyBytes: octets(4096, 1_048_576, 65_536),
      transferBytes: octets(4096, 4_194_304, 262_144),
      setBytes: octets(65_536, 4_194_304, 262_144),
      headerBytes: octets(8192, 131_072, 32_768),
      envelopeBytes: octets(8192, 1_048_576, 49_152),
      targets: octets(1, 100_000, 1000),
    })
    .prefault({})
    .describe(
      'Sizes of what is accepted, in octets, and targets of one transfer. Whoever may send at all can fill disk and memory up to these.',
    ),
})

/** Every setting and its text, for help and manual. */
export const SETTING_TEXTS: ReadonlyMap<string, string> = new Map(
  Object.entries(Settings.shape).map(([name, shape]) => [name, shape.description ?? '']),
)

/**
 * Reads settings: those that are absent take their defaults, unknown ones are refused.
 * @throws {SetupError} `settings-invalid`; the hint names the setting, never its value.
 */
export function readServeConfig(settings: unknown): ServeConfig {
  const result = Settings.safeParse(settings)
  if (!result.success) throw invalid(result.error.issues.map(describe).join('; '))
  const { tlsCert, tlsKey, behindProxy, origin, ...rest } = result.data
  return {
    ...rest,
    origin: origin ?? (rest.listenPort === 443 ? 'https://localhost' : `https://localhost:${rest.listenPort}`),
    tls: tlsOf(tlsCert, tlsKey, behindProxy),
  }
}

function tlsOf(cert: string | null, key: string | null, behindProxy: boolean): TlsConfig {
  if ((cert === null) !== (key === null)) throw invalid('tlsCert and tlsKey belong together')
  if (cert === null || key === null) return behindProxy ? { by: 'proxy' } : { by: 'own-ca' }
  if (behindProxy) throw invalid('behindProxy leaves TLS to the proxy: give it the certificate')
  return { by: 'files', cert, key }
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `there is no setting ${issue.keys.join(', ').slice(0, 200)}`
  return `${issue.path.join('.')}: ${issue.message}`
}

function invalid(hint: string): SetupError {
  return new SetupError('settings-invalid', hint)
}
