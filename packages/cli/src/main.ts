import { run } from './run.ts'
import { thisSystem } from './system.ts'

// Under the launcher of an old Node: who kills it means this program.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref()

const code = await run(thisSystem(), process.argv.slice(2))
process.exitCode ??= code
