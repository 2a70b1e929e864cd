#!/usr/bin/env node
// Runs the command on this Node if it is new enough (it reads TypeScript and has SQLite), else on the runtime that is installed beside it.
import { spawn } from 'node:child_process'
import nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { cacheFolder, findRuntime, isNewEnough } from './runtime.js'

const main = new URL('../src/main.ts', import.meta.url)
if (isNewEnough(process.versions.node)) {
  nodeModule.enableCompileCache(cacheFolder(process.env)) // half the time of a start is reading TypeScript
  await import(main.href)
} else {
  const runtime = findRuntime()
  if (runtime === null) {
    console.error(
      `keyferry: this Node is ${process.versions.node}, and no newer one is installed here (runtime-absent)`,
    )
    console.error('  hint: install Node 24.15 or newer, or run `npm install` without --omit=optional')
    process.exit(1)
  }
  const env = { NODE_COMPILE_CACHE: cacheFolder(process.env), ...process.env }
  // The channel carries nothing: the child sees it close when we are killed, and stops.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
  const child = spawn(runtime, [fileURLToPath(main), ...process.argv.slice(2)], { stdio, env })
  // A terminal sends SIGINT to both: the child takes two at once for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    // Ended as the child did, not by a handler of ours that has nobody left to tell.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
