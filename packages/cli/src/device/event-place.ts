import type { OpenDevice } from '@keyferry/device'
import type { Invocation } from '../invocation.ts'
import type { EventPlace } from '../views/agent-event.ts'
import { nameOfDevice } from './device-names.ts'

/** Where and how events of this device are told now. */
export function eventPlace({ output, system }: Invocation, open: OpenDevice): EventPlace {
  return { output, now: system.now(), home: system.home, deviceName: (device) => nameOfDevice(open, device) }
}
