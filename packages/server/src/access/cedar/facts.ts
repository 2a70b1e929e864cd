import type { Context } from '@cedar-policy/cedar-wasm/nodejs'
import { KeyferryError, ownerOf } from '@keyferry/protocol'
import type { AccessCall } from '../access-call.ts'

/** The questions of PROTOCOL 6, in the order in which they are asked. */
export type Question = 'request' | 'give' | 'receive'

/**
 * Which questions a call can answer: at E1 there is no target, and perhaps no source yet.
 * @throws {KeyferryError} `malformed` if a call about a delivery leaves one of them out, which would leave its question unasked.
 */
export function questionsOf(call: AccessCall): readonly Question[] {
  const { delivery, source, target } = call.context
  if (source !== undefined && target !== undefined) return ['request', 'give', 'receive']
  if (delivery !== undefined || target !== undefined)
    throw new KeyferryError('malformed', 'a party of the delivery is missing')
  return source === undefined ? ['request'] : ['request', 'give']
}

/** A call as the `context` of schema.ts. No value is `undefined`: Cedar would take it for a wrong type. */
export function cedarFacts(call: AccessCall): Context {
  const { subject, resource, context } = call
  const { source, target, proof, approvals, ...rest } = context
  const user = subject.type === 'user' ? subject.id : subject.properties?.user
  const forItself = target === undefined ? subject.properties?.forItself === true : target.user === user
  return {
    ...rest,
    action: call.action.name,
    requester: {
      type: subject.type,
      id: subject.id,
      ...(user === undefined ? {} : { user }),
      grantee: subject.properties?.grantee === true,
      forItself,
    },
    key: {
      id: resource.id,
      owner: ownerOf(resource.id),
      class: resource.properties.class,
      generation: resource.properties.generation,
    },
    ...(source === undefined ? {} : { source: { ...source } }),
    ...(target === undefined ? {} : { target: { ...target } }),
    ...(proof === undefined ? {} : { proof: { ...proof } }),
    approvals: approvals.map((approval) => ({ ...approval })),
  }
}
