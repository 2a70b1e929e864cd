import { expect, it } from 'vitest'
import { bcryptPbkdf } from './bcrypt-pbkdf.ts'
import { blowfish, encipher, expand } from './blowfish.ts'

const octets = (text: string): Uint8Array => new TextEncoder().encode(text)

it('begins Blowfish with the digits of pi', () => {
  const { subkeys } = blowfish()
  expect([subkeys[0], subkeys[1], subkeys[17], subkeys[18], subkeys[1041]]).toEqual([
    0x243f6a88, 0x85a308d3, 0x8979fb1b, 0xd1310ba6, 0x3ac372e6,
  ])
})

it('enciphers as Eric Young’s test vectors say', () => {
  const cipher = blowfish()
  expand(cipher, new Uint8Array(8), null)
  const block = new Uint32Array(2)
  encipher(cipher.subkeys, block, 0)
  expect([...block]).toEqual([0x4ef99745, 0x6198dd78])
})

it.each([
  [4, 'password', 'salt', '5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9'],
  [
    8,
    'password',
    'salt',
    'e1367ec5151a33faac4cc1c144cd23fa15d5548493ecc99b9b5d9c0d3b27bec76227ea66088b849b20ab7aa478010246e74bba51723fefa9f9474d6508845e8d',
  ],
])('derives a key in %i rounds as other implementations do', (rounds, passphrase, salt, key) => {
  const derived = bcryptPbkdf(octets(passphrase), octets(salt), rounds, key.length / 2)
  expect(Buffer.from(derived).toString('hex')).toBe(key)
})
