import { ThumbprintShape } from '@keyferry/protocol'
import * as z from 'zod'
import { DeviceViewShape, getDevice, SuspensionShape, suspendDevice } from '../../registry/devices.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'

const Params = z.object({ id: ThumbprintShape })

/** `/v1/devices/{id}` (PROTOCOL 15). */
export const deviceRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/devices/:id',
    {
      schema: {
        operationId: 'getDevice',
        summary: 'State and newest statement of a device',
        params: Params,
        response: answers({ 200: DeviceViewShape }),
      },
    },
    async ({ caller, params }) => getDevice(context, caller, params.id),
  )

  app.post(
    '/v1/devices/:id/suspension',
    {
      schema: {
        operationId: 'suspendDevice',
        summary: 'Suspend a device, or lift a suspension: a veto only',
        params: Params,
        body: SuspensionShape,
        response: answers({ 200: DeviceViewShape }),
      },
      config: { media: 'application/json' },
    },
    async ({ caller, params, body }) => suspendDevice(context, caller, params.id, body),
  )
}
