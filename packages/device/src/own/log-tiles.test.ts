import { checkInclusion, foldNodes, leafHash, nodeHash, nodesOf, type TreeNode, utf8 } from '@keyferry/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inclusionPath } from './log-tiles.ts'

const WIDTH = 256

/** A log of so many leaves, as a server shows it in tiles; hashes by definition, kept. */
function aLog(size: number): { root: Uint8Array; get: (path: string) => Promise<Uint8Array>; asked: string[] } {
  const known = new Map<string, Uint8Array>()
  const hash = ({ level, index }: TreeNode): Uint8Array => {
    const name = `${level} ${index}`
    const found =
      known.get(name) ??
      (level === 0
        ? leafHash(utf8(`leaf ${index}`))
        : nodeHash(hash({ level: level - 1, index: 2 * index }), hash({ level: level - 1, index: 2 * index + 1 })))
    known.set(name, found)
    return found
  }
  const asked: string[] = []
  return {
    root: foldNodes(nodesOf({ start: 0, end: size }).map(hash)),
    asked,
    async get(path) {
      asked.push(path)
      const [, level = '', name = '', partial] = /^tile\/(\d)\/([x\d/]+?)(?:\.p\/(\d+))?$/.exec(path) ?? []
      const index = Number(name.replace(/[x/]/g, ''))
      const width = partial === undefined ? WIDTH : Number(partial)
      return Buffer.concat(
        Array.from({ length: width }, (_, i) => hash({ level: 8 * Number(level), index: index * WIDTH + i })),
      )
    },
  }
}

describe('an inclusion proof from tiles', () => {
  it('leads from each leaf to the root, for every size', async () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 250, max: 1100 }))
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (size, seed) => {
        const index = seed % size
        const { get, root } = aLog(size)
        const path = [...(await inclusionPath(get, index, size))]
        expect(() => checkInclusion(`leaf ${index}`, { index, path }, { size, root })).not.toThrow()
      }),
      { numRuns: 60 },
    )
  })

  it('reads tiles of higher levels where they are, and partial ones at the edge', async () => {
    const { get, asked, root } = aLog(70_000)
    const path = [...(await inclusionPath(get, 5, 70_000))]
    expect(() => checkInclusion('leaf 5', { index: 5, path }, { size: 70_000, root })).not.toThrow()
    expect(asked).toContain('tile/0/000')
    expect(asked).toContain('tile/1/000')
    expect(asked).toContain('tile/1/001.p/17')
    expect(asked).toContain('tile/0/273.p/112')
  })

  it('is not there for a leaf that the tree has not yet, nor from tiles of another size', async () => {
    const { get } = aLog(10)
    await expect(inclusionPath(get, 10, 10)).rejects.toMatchObject({ code: 'proof-invalid' })
    const short = async (path: string): Promise<Uint8Array> => (await get(path)).subarray(32)
    await expect(inclusionPath(short, 3, 10)).rejects.toMatchObject({ code: 'proof-invalid' })
  })
})
