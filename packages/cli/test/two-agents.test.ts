import { becomeSingleAgent } from '@keyferry/device'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { anEnrolmentWorld, type EnrolmentWorld } from './enrolment-world.ts'
import { runHere } from './run-here.ts'

let world: EnrolmentWorld
beforeEach(async () => {
  world = await anEnrolmentWorld()
})
afterEach(() => world.close())

it('says that another agent of the device is running, and leaves it its work', async () => {
  const { folder } = await world.first('marta')
  const end = becomeSingleAgent(folder)
  for (const words of [['agent'], ['agent', '--once']]) {
    const { exit, stderr } = await runHere(folder, ...words)
    expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining('(agent-running)') })
    expect(stderr).toContain('another agent of this device is running')
  }
  end()
  expect((await runHere(folder, 'agent', '--once')).stderr).not.toContain('agent-running')
})
