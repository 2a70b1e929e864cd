import {
  KeyferryError,
  type PublicSigningJwk,
  SigningJwkShape,
  TextShape,
  type Thumbprint,
  ThumbprintShape,
  thumbprint,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, isAdministrator } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { ApplicationRow } from '../store/rows.ts'
import { claimChanges } from './key-roles.ts'
import { type Precondition, requireVersion, type Versioned } from './precondition.ts'
import { decideAndCommit, type Put } from './unit-of-work.ts'
import { notFound } from './whose.ts'

/** Body of `PUT /v1/applications/{id}` (PROTOCOL 15). */
export interface ApplicationBody {
  jwk: PublicSigningJwk
  name: string
}
export const ApplicationBodyShape: z.ZodType<ApplicationBody> = z.strictObject({
  jwk: SigningJwkShape,
  name: TextShape,
})

export interface ApplicationView extends ApplicationBody {
  /** Thumbprint of `jwk`. */
  id: Thumbprint
}
export const ApplicationViewShape: z.ZodType<ApplicationView> = z.object({
  id: ThumbprintShape,
  jwk: SigningJwkShape,
  name: z.string(),
})

/**
 * Registers the key of an application server. What it may order comes only from grants (PROTOCOL 3).
 * @throws {KeyferryError} `not-found` for whoever is no administrator; `id-invalid` if the id is not the thumbprint of the key;
 *   `precondition-failed`; `statement-invalid` with check `key-in-use`
 */
export async function putApplication(
  context: ServerContext,
  caller: Caller,
  id: Thumbprint,
  body: ApplicationBody,
  precondition: Precondition,
): Promise<Put<ApplicationView> & Versioned<ApplicationView>> {
  if (!isAdministrator(caller)) throw notFound()
  if (thumbprint(body.jwk) !== id) throw new KeyferryError('id-invalid', 'the id is not the thumbprint of the key')
  return decideAndCommit(context, async () => {
    const stored = await context.read.application(id)
    requireVersion(precondition, stored)
    const version = (stored?.version ?? 0) + 1
    const row: ApplicationRow = { id, jwk: JSON.stringify(body.jwk), name: body.name, version }
    return {
      changes: [
        { kind: stored === null ? 'insert-application' : 'replace-application', row },
        ...claimChanges([{ thumbprint: id, role: 'application', holder: id }]),
      ],
      answer: () => ({ view: { id, ...body }, version, created: stored === null }),
    }
  })
}
