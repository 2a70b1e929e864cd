import { expect, it } from 'vitest'
import { exampleSigner, exampleTransportKey } from './example-keys.ts'

it('makes the keys of the examples of PROTOCOL', () => {
  expect(exampleSigner('luis root').id).toBe('8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA')
  expect(exampleSigner('marta root').id).toBe('0NcTMSlAa8MSA6mfrR5o926JOmIM_61V2CLW82ymCcs')
  expect(exampleSigner('luis tablet').id).toBe('4KyTSRw6wYuXtvLsbaUNniSaG48dmIRlZFiNMLFuv6k')
  expect(exampleSigner('marta phone').id).toBe('WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc')
  expect(exampleTransportKey('marta phone enc').kid).toBe('FVE8zxIrHseOf3EmSUdYf4Hks01oE-bAhGDPskj3fh8')
})
