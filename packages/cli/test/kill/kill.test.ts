import { testKills } from './kill-tests.ts'
import { E1, E5, E8, E10, killsOf, LABEL } from './matrix.ts'

// Where most is at stake. `npm run test:long` does each step in each way.
testKills('a transfer goes on and completes once after SIGKILL of the', [
  ...killsOf('send', [E1], 'device', ['done']),
  ...killsOf('send', [E1, E5], 'server', ['done']),
  ...killsOf('agent', [E8, E10], 'server', ['done']),
  ...killsOf('agent', [E8, E10], 'device', ['done']),
  ...killsOf('agent', [LABEL], 'device', ['answered']),
])
