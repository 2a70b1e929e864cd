/** One file of vectors. */
export interface VectorFile<T> {
  readonly name: string
  /** What stands in the file, the same each time. */
  make(): Promise<T>
  /** Verifies a file with the package alone: what is signed, sealed, hashed or refused. Throws at the first thing that is wrong. */
  check(vectors: T): Promise<void>
}
