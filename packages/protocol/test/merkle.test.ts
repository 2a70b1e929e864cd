import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { verifyConsistency, verifyInclusion } from '../src/log/merkle.ts'

/** transparency-dev/merkle, testdata; they lie beside the checkout. */
const FOLDER = fileURLToPath(new URL('../../../../shared/vectors/merkle', import.meta.url))
const PRESENT = existsSync(FOLDER)

interface InclusionVector {
  leafIdx: number
  treeSize: number
  root: string
  leafHash: string
  proof: string[] | null
  wantErr: boolean
}
interface ConsistencyVector {
  size1: number
  size2: number
  root1: string
  root2: string
  proof: string[] | null
  wantErr: boolean
}

function vectors<V>(kind: string): [string, V][] {
  if (!PRESENT) return [[`${FOLDER} is not there`, {} as V]]
  const root = join(FOLDER, kind)
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [relative(root, file), JSON.parse(readFileSync(file, 'utf8')) as V])
}
function octets(base64: string | null): Uint8Array {
  return new Uint8Array(Buffer.from(base64 ?? '', 'base64'))
}

describe.skipIf(!PRESENT)('published Merkle vectors', () => {
  it.each(vectors<InclusionVector>('inclusion'))('inclusion %s', (_, vector) => {
    const claim = {
      index: vector.leafIdx,
      size: vector.treeSize,
      leafHash: octets(vector.leafHash),
      path: (vector.proof ?? []).map(octets),
      root: octets(vector.root),
    }
    expect(verifyInclusion(claim)).toBe(!vector.wantErr)
  })

  it.each(vectors<ConsistencyVector>('consistency'))('consistency %s', (_, vector) => {
    const claim = {
      size1: vector.size1,
      size2: vector.size2,
      root1: octets(vector.root1),
      root2: octets(vector.root2),
      path: (vector.proof ?? []).map(octets),
    }
    expect(verifyConsistency(claim)).toBe(!vector.wantErr)
  })

  it('are all there', () => {
    expect(vectors('inclusion').length + vectors('consistency').length).toBe(196)
  })
})
