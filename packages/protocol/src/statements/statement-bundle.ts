import { type ErrorCode, KeyferryError } from '../errors.ts'
import type { Ref } from '../ids/ids.ts'
import { refOf, splitCompact } from '../jose/jws.ts'
import { readStatement, type Statement, type StatementType } from './statement.ts'

/** The statements that a KtI or T2 answer brings; read when asked for, as what is not needed is ignored (PROTOCOL 7). */
export interface StatementBundle {
  /** The statement of this ref, or `null` when it is not there. Throws the `code` of the type when it is broken. */
  get<P>(type: StatementType<P>, ref: Ref): Statement<P> | null
  /** All statements of a type that can be read; none of them verified. */
  all<P>(type: StatementType<P>): Statement<P>[]
}

/**
 * Opens `statements` of a KtI or T2 answer.
 * @throws {KeyferryError} `code`, unless each name is the ref of its value.
 */
export function openBundle(statements: Readonly<Record<Ref, string>>, code: ErrorCode): StatementBundle {
  const texts = new Map(Object.entries(statements) as [Ref, string][])
  for (const [ref, text] of texts) {
    if (refOf(splitCompact(text, code)) !== ref)
      throw new KeyferryError(code, 'a statement is not the one it is called')
  }
  return {
    get(type, ref) {
      const text = texts.get(ref)
      return text === undefined ? null : readStatement(type, text)
    },
    all(type) {
      return [...texts.values()].flatMap((text) => readIfOf(type, text))
    },
  }
}

function readIfOf<P>(type: StatementType<P>, text: string): Statement<P>[] {
  try {
    return [readStatement(type, text)]
  } catch (error) {
    if (error instanceof KeyferryError) return []
    throw error
  }
}
