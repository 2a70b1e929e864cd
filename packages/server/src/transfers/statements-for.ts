import { deviceSetStatement, handoverRefs, KeyferryError, type Ref } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'

export interface LoggedStatements {
  readonly statements: Record<string, string>
  readonly checkpoint: string
  readonly proofs: Record<string, { index: number; path: string[] }>
  readonly consistency?: string[]
}

/**
 * The statements a device asks for, with what proves that they are in the log (PROTOCOL 7, 11): one proof for each and for the
 * hand-over sets that they carry, all in one checkpoint.
 * @param moreRefs - Logged things whose text the device has from elsewhere (order, envelope): proofs only.
 * @param since - Size of the asker's last checkpoint, 0 if it has none.
 * @throws {KeyferryError} `malformed` if `since` is above the log; `unavailable` while a proof does not exist yet.
 */
export async function loggedStatements(
  context: ServerContext,
  refs: readonly Ref[],
  moreRefs: readonly Ref[],
  since: number,
): Promise<LoggedStatements> {
  if (since > context.log.size) {
    throw new KeyferryError('malformed', 'the log is not that long: report the checkpoint that you have')
  }
  const wanted = [...new Set(refs)]
  const texts = await Promise.all(wanted.map((ref) => statementText(context, ref)))
  const handovers = await Promise.all(wanted.map((ref, i) => handoversOf(context, ref, texts[i] as StatementText)))
  const logged = [...new Set([...wanted, ...handovers.flat(), ...moreRefs])]
  const indexes = await Promise.all(logged.map((ref) => indexOf(context, ref)))
  const size = context.log.headOver(Math.max(since, ...indexes.map((index) => index + 1)))
  const [checkpoint, consistency, ...paths] = await Promise.all([
    context.log.checkpoint(size),
    since === 0 ? undefined : context.log.consistencyProof(since, size),
    ...indexes.map((index) => context.log.inclusionProof(index, size)),
  ])
  return {
    statements: Object.fromEntries(wanted.map((ref, i) => [ref, (texts[i] as StatementText).text])),
    checkpoint,
    proofs: Object.fromEntries(
      logged.map((ref, i) => [ref, { index: indexes[i] as number, path: paths[i] as string[] }]),
    ),
    ...(consistency === undefined ? {} : { consistency }),
  }
}

interface StatementText {
  readonly typ: string
  readonly text: string
}

async function statementText(context: ServerContext, ref: Ref): Promise<StatementText> {
  const row = await context.read.statement(ref)
  if (row === null) throw notYet()
  return { typ: row.typ, text: row.text }
}

async function handoversOf(context: ServerContext, ref: Ref, statement: StatementText): Promise<readonly Ref[]> {
  return statement.typ === deviceSetStatement.typ ? handoverRefs(await context.statements.deviceSet(ref)) : []
}

async function indexOf(context: ServerContext, ref: Ref): Promise<number> {
  const index = await context.read.leafIndex(ref)
  if (index === null || index >= context.log.size) throw notYet()
  return index
}

function notYet(): KeyferryError {
  return new KeyferryError('unavailable', 'a proof does not exist yet', { retryAfter: 1 })
}
