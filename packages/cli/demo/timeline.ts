const STEP_COLUMNS = 9
const TEXT_COLUMNS = 66

/** One line of the story: the step of the protocol, what happened, who is online. */
export function tell(step: string, text: string, online = ''): void {
  console.log(
    `${step.padEnd(STEP_COLUMNS)}${text.padEnd(online === '' ? 0 : TEXT_COLUMNS)}${online === '' ? '' : `  ${online}`}`.trimEnd(),
  )
}

export function more(text: string): void {
  tell('', text)
}

/** Stops the demo: what it set out to show is not so. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`the demo failed: ${what}`)
}
