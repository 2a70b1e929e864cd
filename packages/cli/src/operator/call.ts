import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { errorOfProblem, KeyferryError, readProblem } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'
import { Explained } from '../console/failure.ts'

const READ_ONLY_HINT =
  'its log is older than a device has seen, as after a restored backup: bring the newest data back, or, with it stopped: keyferry log new'
const TIMEOUT_MILLISECONDS = 10_000
const MAX_ANSWER_OCTETS = 4 * 1024 * 1024

export interface OperatorCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly json?: object
}

/**
 * Asks the server of a data folder as its administrator, through the socket that only the owner of that folder may open.
 * @throws {CliError} `server-not-here` if no server of that folder runs here; `admin-only-here`; `unreachable` if it gives no answer
 * @throws {KeyferryError} the problem that the server answers
 */
export async function operatorCall<T>(
  dataFolder: string,
  call: OperatorCall,
  timeoutMilliseconds: number = TIMEOUT_MILLISECONDS,
): Promise<T> {
  const { status, content } = await exchange(socketPath(dataFolder), call, timeoutMilliseconds)
  const json: unknown = JSON.parse(content)
  if (status < 400) return json as T
  const problem = readProblem(json)
  const error =
    problem === null ? new KeyferryError('unavailable', `the server answered ${status}`) : errorOfProblem(problem)
  // Said to whoever runs it.
  throw error.code === 'read-only' ? new Explained(error, { hint: READ_ONLY_HINT }) : error
}

/** As the server names it: a file, on Windows a pipe whose name is made from the path. */
function socketPath(dataFolder: string): string {
  const path = join(dataFolder, 'admin.sock')
  if (process.platform !== 'win32') return path
  return `\\\\.\\pipe\\keyferry-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`
}

function exchange(
  socket: string,
  { method, path, json }: OperatorCall,
  timeout: number,
): Promise<{ status: number; content: string }> {
  const body = json === undefined ? null : Buffer.from(JSON.stringify(json))
  const headers = body === null ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: socket, method, path, headers, timeout }, (incoming) => {
      let content = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk: string) => {
        content += chunk
        if (content.length > MAX_ANSWER_OCTETS) {
          incoming.destroy(new KeyferryError('response-invalid', 'the answer is too long'))
        }
      })
      incoming.on('error', (cause) => reject(explain(cause)))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, content }))
    })
    outgoing.on('timeout', () => outgoing.destroy(silent(`it said nothing for ${timeout / 1000} s`)))
    outgoing.on('error', (cause: NodeJS.ErrnoException) => reject(explain(cause)))
    outgoing.end(body)
  })
}

function silent(why: string, cause?: unknown): CliError {
  return new CliError('unreachable', `the server gave no answer: ${why}`, {
    hint: 'look at what `keyferry serve` says there; is it stopped, or at work?',
    cause,
  })
}

function explain(cause: NodeJS.ErrnoException): Error {
  const hint = 'run it where `keyferry serve` runs, as the same user, and with the same --data'
  switch (cause.code) {
    case 'EACCES':
      return new CliError('admin-only-here', 'you may not administer this server', { hint, cause })
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return new CliError('server-not-here', 'no server of this data folder runs here', { hint, cause })
    case 'ECONNRESET':
    case 'EPIPE':
      return silent('it ended meanwhile', cause)
    default:
      return cause
  }
}
