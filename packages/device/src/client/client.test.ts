import { exampleSigner } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { client } from './client.ts'
import { type HttpRequest, UnreachableError } from './transport.ts'

/** A client before nobody, and what it sent. */
function lonely(): { readonly asked: ReturnType<typeof client>; readonly sent: HttpRequest[] } {
  const sent: HttpRequest[] = []
  const nobody = async (request: HttpRequest): Promise<never> => {
    sent.push(request)
    throw new UnreachableError('nobody listens there')
  }
  const asked = client({
    origin: 'https://keys.example',
    transport: { send: nobody, open: nobody, close() {} },
    signer: exampleSigner('marta'),
    serverKey: () => null,
    now: () => 1_795_521_600,
    random: (count) => new Uint8Array(count),
  })
  return { asked, sent }
}

it('gives an answer 60 s, and what the server was asked to hold it back', async () => {
  const { asked, sent } = lonely()
  await expect(asked.call({ method: 'GET', path: '/v1/x' })).rejects.toThrow(UnreachableError)
  await expect(asked.call({ method: 'GET', path: '/v1/x', waitSeconds: 30 })).rejects.toThrow(UnreachableError)
  expect(sent).toMatchObject([
    { timeoutMilliseconds: 30_000, deadlineMilliseconds: 60_000 },
    { timeoutMilliseconds: 60_000, deadlineMilliseconds: 90_000 },
  ])
})

it('gives a stream up after 45 s of silence', async () => {
  const { asked, sent } = lonely()
  await expect(asked.stream({ method: 'GET', path: '/v1/inbox/stream' })).rejects.toThrow(UnreachableError)
  expect(sent).toMatchObject([{ timeoutMilliseconds: 45_000 }])
})
