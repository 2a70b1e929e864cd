import {
  type AgentEvent,
  agent,
  type Decision,
  type OpenDevice,
  type Question,
  UnreachableError,
} from '@keyferry/device'
import { type ErrorCode, KeyferryError } from '@keyferry/protocol'
import { exitCodeFor } from '../console/exit-codes.ts'
import { Explained } from '../console/failure.ts'
import { hintForTransfer } from '../console/hints.ts'
import type { Invocation } from '../invocation.ts'
import { tellEvent } from '../views/agent-event.ts'
import { isOfUnknown } from '../views/question.ts'
import { agentParts } from './agent-parts.ts'
import { eventPlace } from './event-place.ts'

/**
 * Keeps an answer, then does at once what follows from it. Without network it is kept all the same, and done by the next agent.
 * @throws {KeyferryError} `state-conflict` if the question changed while it was read; the slug by which a check stopped what was
 *   agreed to
 */
export async function answerQuestion(
  call: Invocation,
  open: OpenDevice,
  question: Question,
  decision: Omit<Decision, 'at'>,
): Promise<void> {
  open.store.questions.decide(question, { ...decision, at: open.now() })
  const { output } = call
  const refusals: Refused[] = []
  const parts = agentParts(open, { folder: null }, (event) => {
    // What becomes of this one is the end of the command, and told as that.
    if (event.kind === 'refused' && event.dl === question.dl) refusals.push(event)
    else tellEvent(eventPlace(call, open), event)
  })
  try {
    await agent(parts).once()
    const [stopped] = refusals.filter(({ byHuman }) => !byHuman)
    if (stopped !== undefined) throw notDone(stopped)
    if (open.store.questions.find(question.dl, question.attempt, question.kind)?.decision === null) throw changed()
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error
    output.say(`your answer is kept; the server gives no answer now: ${error.message}`)
    output.more('the next `keyferry agent` does what follows from it')
  }
}

/**
 * The question as it can be answered. Nobody is believed unseen: a key of somebody who is not pinned waits until he is, and who was pinned
 * since is asked about anew.
 * @throws {KeyferryError} `owner-untrusted`: nothing was answered, and nothing is lost
 */
export async function knowWhose(call: Invocation, open: OpenDevice, asked: Question): Promise<Question> {
  if (!isOfUnknown(asked)) return asked
  await agent(agentParts(open, { folder: null }, (event) => tellEvent(eventPlace(call, open), event))).once()
  const now = open.store.questions.find(asked.dl, asked.attempt, asked.kind)
  if (now !== null && !isOfUnknown(now)) return now
  throw new Explained(new KeyferryError('owner-untrusted', 'nothing proves whose key this is'), {
    more: 'It still waits.',
  })
}

type Refused = Extract<AgentEvent, { kind: 'refused' }>

function notDone({ reason, why, role }: Refused): Explained {
  const more = role === 'source' ? 'Nothing was deposited.' : 'Nothing was installed; the other side is told.'
  const hint = hintForTransfer(reason, exitCodeFor(reason))
  return new Explained(new KeyferryError(reason as ErrorCode, why), hint === null ? { more } : { more, hint })
}

/** The agent looked, and what the answer was given for is not what it found: it asks anew. */
function changed(): KeyferryError {
  return new KeyferryError('state-conflict', 'what it is about has changed since you were asked')
}
