import { run } from './run.ts'
import { thisSystem } from './system.ts'

const code = await run(thisSystem(), process.argv.slice(2))
process.exitCode ??= code
