import { makeKeyId, parseId, parseThumbprint } from '@keyferry/protocol'
import type { DeviceStore } from '../../src/store/device-store.ts'
import { openDeviceStore } from '../../src/store/sqlite/open-device-store.ts'

/** A process that works on a store until it is done, or until it kills itself where its argument says. */
const [folder = '', work = '', times = '0'] = process.argv.slice(2)
const USER = parseThumbprint('8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA')
const KEY = makeKeyId(USER, new Uint8Array(16))
const DL = parseId('dl', 'dl_0kz5s8wc31gks89569erpva0kj')

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}

/** T10. */
function install(store: DeviceStore, between: () => void): void {
  store.transaction(() => {
    store.sealedKeys.putKeyOctets({ key: KEY, generation: 1, type: 'secret', sealed: new Uint8Array(64) })
    store.replay.accept(KEY, 1, false)
    between()
    const outcome = { kind: 'receipt', text: 'a.b.c' } as const
    store.replay.record({ dl: DL, attempt: 1, envelope: USER, outcome, keepUntil: null })
  })
}

switch (work) {
  case 'die-between-writes':
    install(openDeviceStore(folder), die)
    break
  case 'die-before-commit':
    install(openDeviceStore(folder, { beforeCommit: () => process.argv.includes('armed') && die() }), () => {
      process.argv.push('armed')
    })
    break
  case 'die-after-commit':
    install(openDeviceStore(folder, { afterCommit: () => process.argv.includes('armed') && die() }), () => {
      process.argv.push('armed')
    })
    break
  case 'count': {
    const store = openDeviceStore(folder)
    for (let i = 0; i < Number(times); i++) {
      store.transaction(() => {
        const before = store.clock.last()
        store.unwrapFailures.add(USER)
        store.clock.raise(before + 1)
      })
    }
    store.close()
    break
  }
  case 'accept': {
    const store = openDeviceStore(folder)
    let accepted = 0
    for (let generation = 1; generation <= Number(times); generation++) {
      try {
        store.transaction(() => store.replay.accept(KEY, generation, false))
        accepted++
      } catch {
        // The other process has it.
      }
    }
    store.close()
    process.stdout.write(String(accepted))
    break
  }
  default:
    throw new Error('no such work')
}
