/** Writes to maps and remembers how to take each write back, last first: a unit of work that fails leaves nothing. */
export interface Journal {
  set<K, V>(map: Map<K, V>, key: K, value: V): void
  delete<K, V>(map: Map<K, V>, key: K): void
  undo(): void
}

export function journal(): Journal {
  const steps: (() => void)[] = []
  return {
    set(map, key, value) {
      const before = map.get(key)
      const known = map.has(key)
      map.set(key, value)
      steps.push(() => (known ? map.set(key, before as typeof value) : map.delete(key)))
    },
    delete(map, key) {
      if (!map.has(key)) return
      // Taken back, the entry must stand where it stood: order is the order of insertion.
      const entries = [...map]
      map.delete(key)
      steps.push(() => {
        map.clear()
        for (const [k, v] of entries) map.set(k, v)
      })
    },
    undo() {
      for (const step of steps.reverse()) step()
    },
  }
}
