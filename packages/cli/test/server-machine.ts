import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../demo/places.ts'
import { type Machine, machine } from './transcript.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/keyferry.js', import.meta.url))

/** A machine on which `keyferry serve` runs, with its data where it lies by itself. */
export async function serverMachine(): Promise<Machine & { stop(): Promise<void> }> {
  const here = machine()
  const port = await freePort()
  const words = ['serve', '--port', String(port), '--log-level', 'error']
  const child = spawn(process.execPath, [LAUNCHER, ...words], { env: here.env, stdio: ['ignore', 'pipe', 'ignore'] })
  // Whatever becomes of the test, the server does not outlive it.
  process.once('exit', () => child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', () => reject(new Error('the server did not start')))
  })
  return {
    ...here,
    async stop() {
      child.removeAllListeners('exit')
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      here.remove()
    },
  }
}
