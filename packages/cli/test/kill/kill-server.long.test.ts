import { testKills } from './kill-tests.ts'
import { killsOf, STEPS_OF_AGENTS, STEPS_OF_SEND } from './matrix.ts'

testKills('a transfer goes on and completes once after SIGKILL of the', [
  ...killsOf('send', STEPS_OF_SEND, 'server'),
  ...killsOf('agent', STEPS_OF_AGENTS, 'server'),
])
