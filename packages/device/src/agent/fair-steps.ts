/** A server may list and announce what leads nowhere, without end: so much of it is tried in one go. */
const MAX_FRUITLESS_STEPS = 500
const MAX_FRUITLESS_MILLISECONDS = 20_000
const MAX_REMEMBERED = 10_000

export interface FairSteps {
  /**
   * Takes steps until all are taken, or too many led nowhere: work that comes further is never cut short. First what is new or came
   * further the last time, in the order given; then what did not, longest ago first: so each gets its turn.
   *
   * @param step - resolves to whether it came further.
   */
  each<T>(items: readonly T[], nameOf: (item: T) => string, step: (item: T) => Promise<boolean>): Promise<void>
}

export function fairSteps(): FairSteps {
  /** Names of what led nowhere, longest ago first. */
  const fruitless = new Set<string>()

  function remember(name: string): void {
    fruitless.add(name)
    const [oldest] = fruitless
    if (fruitless.size > MAX_REMEMBERED && oldest !== undefined) fruitless.delete(oldest)
  }

  return {
    async each(items, nameOf, step) {
      const ranks = new Map([...fruitless].map((name, i) => [name, i + 1]))
      const rank = (item: (typeof items)[number]): number => ranks.get(nameOf(item)) ?? 0
      let steps = 0
      let milliseconds = 0
      for (const item of [...items].sort((a, b) => rank(a) - rank(b))) {
        if (steps >= MAX_FRUITLESS_STEPS || milliseconds >= MAX_FRUITLESS_MILLISECONDS) return
        const begun = Date.now()
        const further = await step(item)
        fruitless.delete(nameOf(item))
        if (further) continue
        remember(nameOf(item))
        steps++
        milliseconds += Date.now() - begun
      }
    },
  }
}
