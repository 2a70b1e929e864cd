import { expect, it } from 'vitest'
import { tilePath } from './tile-path.ts'

it.each([
  ['000', { index: 0, width: 256 }],
  ['067', { index: 67, width: 256 }],
  ['x001/x234/067', { index: 1_234_067, width: 256 }],
  ['x001/x234/067.p/5', { index: 1_234_067, width: 5 }],
  ['000.p/255', { index: 0, width: 255 }],
])('reads %s', (text, path) => {
  expect(tilePath(text)).toEqual(path)
})

it.each([
  '',
  '0',
  '0067',
  'x000/067',
  '001/067',
  'x001/x067',
  '000.p/0',
  '000.p/256',
  '000.p/05',
  '000.p',
  'x001/',
  '000/',
])('refuses %s', (text) => {
  expect(tilePath(text)).toBeNull()
})
