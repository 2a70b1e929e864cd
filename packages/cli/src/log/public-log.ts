import { ANSWER_TIMES, type OpenDevice } from '@keyferry/device'
import { fromUtf8, KeyferryError, signRequest, toBase64url } from '@keyferry/protocol'

export const TILE_WIDTH = 256

/** The parts of a log that prove themselves (C2SP tlog-tiles): what is read here counts only under a checked checkpoint. */
export interface PublicLog {
  /** Leaves of one tile, `width` of 256. For devices that the server knows: the request is signed. */
  leaves(tile: number, width: number): Promise<readonly string[]>
}

export function publicLog(open: OpenDevice): PublicLog {
  return {
    async leaves(tile, width) {
      const partial = width === TILE_WIDTH ? '' : `.p/${width}`
      const leaves = readEntries(await get(open, `/log/tile/entries/${tileName(tile)}${partial}`))
      if (leaves.length !== width) throw new KeyferryError('response-invalid', 'the log shows another number of leaves')
      return leaves
    },
  }
}

async function get(open: OpenDevice, path: string): Promise<Uint8Array> {
  const url = open.client.origin + path
  const facts = { now: open.now(), nonce: toBase64url(open.random(16)), lifetimeSeconds: 120 }
  const headers = await signRequest(
    open.device.signer,
    { method: 'GET', targetUri: url, headers: () => undefined },
    facts,
  )
  const answer = await open.transport.send({
    method: 'GET',
    url,
    headers: { ...headers },
    content: null,
    ...ANSWER_TIMES,
  })
  if (answer.status !== 200) throw new KeyferryError('unavailable', `the log answered ${answer.status}`)
  return answer.content
}

/** C2SP tlog-tiles: groups of three digits, all but the last with an `x`. */
export function tileName(index: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? []
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
}

/** Each entry: its length in two octets, then its octets. */
export function readEntries(octets: Uint8Array): readonly string[] {
  const entries: string[] = []
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  for (let at = 0; at < octets.length; ) {
    const length = at + 2 <= octets.length ? view.getUint16(at) : Number.POSITIVE_INFINITY
    if (at + 2 + length > octets.length) throw new KeyferryError('response-invalid', 'a tile of the log breaks off')
    entries.push(fromUtf8(octets.subarray(at + 2, at + 2 + length)))
    at += 2 + length
  }
  return entries
}
