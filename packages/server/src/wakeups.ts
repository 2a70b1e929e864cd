/** Hears one topic from the moment it was made: a signal between a read and the wait that follows it is not lost. */
export interface Listener {
  /**
   * Resolves to `true` once the topic was signalled since the listener was made or since the last `next`, to `false` after
   * `milliseconds` or when `abort` fires. One call at a time.
   */
  next(milliseconds: number, abort?: AbortSignal): Promise<boolean>
  /** Forgets the topic. Who made a listener closes it in `finally`. */
  close(): void
}

/**
 * Wakes whoever waits inside this process. A wake-up is a hint: the row is the truth, so listeners read again.
 * Topics are the id of a recipient for notices, or of a resource (`dl_...`, `tr_...`, `en_...`).
 */
export interface Wakeups {
  signal(topic: string): void
  /** Listen first, then read, then wait. */
  listen(topic: string): Listener
}

interface Ear {
  heard: boolean
  wake: (() => void) | null
}

export function wakeups(): Wakeups & { readonly topics: number } {
  const ears = new Map<string, Set<Ear>>()
  return {
    /** How many topics have listeners: zero when nobody waits. */
    get topics() {
      return ears.size
    },
    signal(topic) {
      for (const ear of ears.get(topic) ?? []) {
        ear.heard = true
        ear.wake?.()
      }
    },
    listen(topic) {
      const ear: Ear = { heard: false, wake: null }
      const others = ears.get(topic)
      if (others === undefined) ears.set(topic, new Set([ear]))
      else others.add(ear)
      return {
        next: (milliseconds, abort) => hear(ear, milliseconds, abort),
        close() {
          const left = ears.get(topic)
          if (left?.delete(ear) === true && left.size === 0) ears.delete(topic)
          ear.wake?.()
        },
      }
    },
  }
}

async function hear(ear: Ear, milliseconds: number, abort: AbortSignal | undefined): Promise<boolean> {
  if (!ear.heard && abort?.aborted !== true) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, milliseconds)
      function done(): void {
        clearTimeout(timer)
        abort?.removeEventListener('abort', done)
        ear.wake = null
        resolve()
      }
      abort?.addEventListener('abort', done)
      ear.wake = done
    })
  }
  const { heard } = ear
  ear.heard = false
  return heard
}
