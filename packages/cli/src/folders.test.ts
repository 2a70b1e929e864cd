import { expect, it } from 'vitest'
import { profileFolder, serverFolder, shortPath } from './folders.ts'

it('finds folders by flag, by environment, by the custom of the system', () => {
  expect(profileFolder('/p', { KEYFERRY_PROFILE: '/e' }, '/home/luis')).toBe('/p')
  expect(profileFolder(undefined, { KEYFERRY_PROFILE: '/e' }, '/home/luis')).toBe('/e')
  expect(profileFolder(undefined, {}, '/home/luis')).toBe('/home/luis/.local/share/keyferry/device')
  expect(serverFolder(undefined, { XDG_DATA_HOME: '/d' }, '/home/luis')).toBe('/d/keyferry/server')
})

it('shows a path as people write it', () => {
  expect([shortPath('/home/luis/a', '/home/luis'), shortPath('/home/luisa', '/home/luis')]).toEqual([
    '~/a',
    '/home/luisa',
  ])
})
