/**
 * A name as it can be typed in a shell: what we say to type is copied, and names come from elsewhere. Inside double quotes a shell still
 * expands `$`, `` ` `` and `!`, so only harmless names stand there.
 */
export function quoted(name: string): string {
  if (/^[\p{L}\p{N}][\p{L}\p{N}._@+-]*$/u.test(name)) return name
  if (/^[\p{L}\p{N}._@+, -]+$/u.test(name)) return `"${name}"`
  return `'${name.replaceAll("'", "'\\''")}'`
}

/** A command with a name and options, to be typed: a name that would be read as an option stands behind `--`. */
export function typed(command: string, name: string, options: string): string {
  return name.startsWith('-') ? `${command} ${options} -- ${quoted(name)}` : `${command} ${quoted(name)} ${options}`
}
