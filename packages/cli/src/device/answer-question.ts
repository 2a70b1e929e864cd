import { agent, type Decision, type OpenDevice, type Question, UnreachableError } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'
import type { Invocation } from '../invocation.ts'
import { tellEvent } from '../views/agent-event.ts'
import { agentParts } from './agent-parts.ts'

/**
 * Keeps an answer, then does at once what follows from it. Without network it is kept all the same, and done by the next agent.
 * @throws {KeyferryError} `state-conflict` if the question changed while it was read
 */
export async function answerQuestion(
  call: Invocation,
  open: OpenDevice,
  question: Question,
  decision: Omit<Decision, 'at'>,
): Promise<void> {
  open.store.questions.decide(question, { ...decision, at: open.now() })
  const { output, system } = call
  const parts = agentParts(open, { folder: null }, (event) => tellEvent({ output, now: system.now() }, event))
  try {
    await agent(parts).once()
    if (open.store.questions.find(question.dl, question.attempt, question.kind)?.decision === null) throw changed()
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error
    output.say(`your answer is kept; the server gives no answer now: ${error.message}`)
    output.more('the next `keyferry agent` does what follows from it')
  }
}

/** The agent looked, and what the answer was given for is not what it found: it asks anew. */
function changed(): KeyferryError {
  return new KeyferryError('state-conflict', 'what it is about has changed since you were asked')
}
