import { expect, it } from 'vitest'
import { fileName } from './install-rules.ts'

const ID = '8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA/0tpbn4f2neatkmt5s8z6wygmzj'

it.each([
  ['ssh laptop', 'ssh-laptop'],
  ['../../etc/passwd', 'etc-passwd'],
  ['..', '0tpbn4f2'],
  ['.ssh', 'ssh'],
  ['a\0b\nc', 'a-b-c'],
  ['-rf', 'rf'],
  ['clé 漢', 'clé-漢'],
])('files a key labelled %j as %s, inside its folder', (label, name) => {
  expect(fileName(label, ID)).toBe(name)
})
