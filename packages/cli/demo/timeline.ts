const STEP_COLUMNS = 9
const TEXT_COLUMNS = 72
const STARTED = performance.now()

/** One line of the story: when, the step of the protocol, what happened, who is online. */
export function tell(step: string, text: string, online = ''): void {
  const seconds = `${((performance.now() - STARTED) / 1000).toFixed(1).padStart(5)} s  `
  console.log(
    `${seconds}${step.padEnd(STEP_COLUMNS)}${online === '' ? text : `${text.padEnd(TEXT_COLUMNS)}  ${online}`}`,
  )
}

export function more(text: string): void {
  tell('', text)
}

/** Stops the demo: what it set out to show is not so. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`the demo failed: ${what}`)
}
