const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** `12 s`, `5 min`, `3 h`, `2 days`: one unit, rounded down, never negative. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`
  if (whole < 2 * DAY) return `${Math.floor(whole / HOUR)} h`
  return `${Math.floor(whole / DAY)} days`
}

/** `1 device`, `2 devices`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : noun.endsWith('ss') ? 'es' : 's'}`
}

/** How long ago; the exact time is in `--json`. */
export function ago(at: number, now: number): string {
  return now - at < 5 ? 'just now' : `${span(now - at)} ago`
}

/** `ends in 6 days`, `ended 5 min ago`. */
export function ending(at: number, now: number): string {
  return at <= now ? `ended ${ago(at, now)}` : `ends in ${span(at - now)}`
}

/** `until 13:41` for what ends within a day, `until 30 Nov` later, with the year where it is another. Local time. */
export function until(at: number, now: number): string {
  return `until ${pointInTime(at, now)}`
}

export function pointInTime(at: number, now: number): string {
  const date = new Date(at * 1000)
  if (Math.abs(at - now) < DAY) return clock(at)
  const sameYear = date.getFullYear() === new Date(now * 1000).getFullYear()
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`
  return sameYear ? day : `${day} ${date.getFullYear()}`
}

export function clock(at: number): string {
  const date = new Date(at * 1000)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** `10m`, `2h`, `7d`, `90s` as seconds; null if it is none. */
export function parseSpan(text: string): number | null {
  const [, digits, unit] = /^([1-9][0-9]{0,7})(s|m|h|d)$/.exec(text) ?? []
  if (digits === undefined || unit === undefined) return null
  return Number(digits) * { s: 1, m: MINUTE, h: HOUR, d: DAY }[unit as 's' | 'm' | 'h' | 'd']
}
