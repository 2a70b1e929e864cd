export { type IfExists, readFileIfThere, syncFolder, writeFileAtomically } from './atomic-file.ts'
export { isSystemError } from './errors.ts'
export { holdExclusively } from './exclusive-hold.ts'
export { type Exposure, exposureOf, makeFolder } from './private-place.ts'
