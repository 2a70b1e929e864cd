import {
  checkCheckpoint,
  checkConsistency,
  checkInclusion,
  makeLeaf,
  parseVkey,
  readCheckpoint,
  toBase64url,
} from '../../packages/protocol/src/index.ts'
import { assertEqual, log as logKey, NOW, ORIGIN, witness } from './example.ts'
import * as story from './story.ts'
import type { VectorFile } from './vector-file.ts'

interface LogVectors {
  vkey: string
  witness: string
  leaves: { text: string; hash: string; path: string[] }[]
  /** Signed notes, oldest first, each cosigned. */
  checkpoints: { size: number; root: string; note: string }[]
  /** From each checkpoint to the last one. */
  consistency: { from: number; to: number; path: string[] }[]
}

export const log: VectorFile<LogVectors> = {
  name: 'log',
  async make() {
    const { leaves } = story
    const hashes = story.hashesOf(leaves)
    const notes = [story.firstCheckpoint, story.secondCheckpoint, story.lastCheckpoint]
    const checkpoints = notes.map((note) => {
      const { size, root } = readCheckpoint(note)
      return { size, root: toBase64url(root), note }
    })
    return {
      vkey: logKey.vkey.text,
      witness: witness.vkey.text,
      leaves: leaves.map((leaf, index) => ({
        text: makeLeaf(ORIGIN, leaf),
        hash: toBase64url(hashes[index] as Uint8Array),
        path: story.inclusionPath(leaves, index),
      })),
      checkpoints,
      consistency: checkpoints.map(({ size }) => ({
        from: size,
        to: leaves.length,
        path: story.consistencyPath(leaves, size),
      })),
    }
  },

  async check(vectors) {
    const rules = { log: parseVkey(vectors.vkey), witnesses: [parseVkey(vectors.witness)], quorum: 1, last: null }
    const heads = await Promise.all(
      vectors.checkpoints.map(({ note }) => checkCheckpoint(note, { ...rules, now: NOW + 3660 })),
    )
    const last = heads.at(-1)
    if (last === undefined) throw new Error('no checkpoint')
    for (const [index, { text, path }] of vectors.leaves.entries()) checkInclusion(text, { index, path }, last)
    for (const [i, { path }] of vectors.consistency.entries())
      checkConsistency(heads[i] as (typeof heads)[0], last, path)
    const order = vectors.leaves.find(({ text }) => text.startsWith('kf-order+jwt'))
    assertEqual(
      [order?.text, order?.hash],
      [
        'kf-order+jwt PRBL7lzdGFz0YVPSpplf-DRH7jdSxNG_n6vocWwy1Hg DvN0TMxzULLQdIWGE16yHA',
        'aOdk0ZeyLedaED_E8Gvt1-m5rGGRli0MFino0xEViGw',
      ],
      'appendix: leaf of the order',
    )
  },
}
