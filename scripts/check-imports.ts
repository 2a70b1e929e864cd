/**
 * Holds the house to its plan: imports go one way between packages and between the rooms of the server, there
 * is no cycle between files, and every package that is imported is declared. Prints each breach; exits 1 if there is one.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Which packages of the house each may import. Tests may import `testkit` besides. */
const ARROWS: Record<string, readonly string[]> = {
  protocol: [],
  testkit: ['protocol'],
  files: [],
  server: ['protocol', 'files'],
  device: ['protocol', 'files'],
  cli: ['protocol', 'server', 'device'],
}

/** Rooms of the server that know ports only: never an adapter, never HTTP. */
const INNER_ROOMS = ['transfers', 'registry']
const OUTER = /\/(?:store\/(?:sqlite|memory|sql|postgres)|http|tls|config|access\/cedar)\//

interface Source {
  readonly file: string
  readonly packageName: string
  readonly isTest: boolean
  readonly imports: readonly string[]
}

function* files(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name === 'node_modules' || name === 'dist') continue
    if (statSync(path).isDirectory()) yield* files(path)
    else if (/\.tsx?$/.test(name) && !name.endsWith('.d.ts')) yield path
  }
}

const IMPORT =
  /^\s*(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|^\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm

function read(file: string, packageName: string): Source {
  const path = relative(root, file)
  const text = readFileSync(file, 'utf8')
  const imports = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
  return { file: path, packageName, isTest: /\.test\.ts$|\/test\/|\/demo\//.test(path), imports }
}

const packages = Object.keys(ARROWS)
const sources = packages.flatMap((name) => [...files(join(root, 'packages', name))].map((file) => read(file, name)))
const breaches: string[] = []

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] as string)
}

for (const name of packages) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
  const runtime = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
  const testing = new Set([...runtime, ...Object.keys(manifest.devDependencies ?? {}), 'vitest', 'fast-check'])
  for (const source of sources.filter((entry) => entry.packageName === name)) {
    for (const specifier of source.imports) {
      if (specifier.startsWith('.') || specifier.startsWith('#')) continue
      if (specifier.startsWith('node:')) {
        const isPure = name === 'protocol' && !source.isTest && !source.file.endsWith('src/platform/node.ts')
        if (isPure) breaches.push(`${source.file}: protocol knows no Node (${specifier})`)
        continue
      }
      if (builtinModules.includes(specifier)) breaches.push(`${source.file}: write node:${specifier}`)
      const wanted = packageOf(specifier)
      const house = wanted === 'keyferry' ? 'cli' : wanted.startsWith('@keyferry/') ? wanted.slice(10) : null
      const allowed = [...(ARROWS[name] as readonly string[]), ...(source.isTest ? ['testkit'] : [])]
      if (house !== null && house !== name && !allowed.includes(house)) {
        breaches.push(`${source.file}: ${name} may not import ${house}`)
      }
      if (wanted !== manifest.name && !(source.isTest ? testing : runtime).has(wanted)) {
        breaches.push(`${source.file}: ${wanted} is not declared by ${manifest.name}`)
      }
    }
    const room = INNER_ROOMS.find((inner) => source.file.includes(`packages/server/src/${inner}/`))
    if (room !== undefined && !source.isTest) {
      for (const target of relatives(source)) {
        if (OUTER.test(`/${target}`))
          breaches.push(`${source.file}: ${room} knows ports, never adapters or HTTP (${target})`)
      }
    }
  }
}

function relatives(source: Source): string[] {
  return source.imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(root, resolve(root, dirname(source.file), specifier)))
}

/** Cycles that exist at run time: type-only imports are erased, so they are read from the text without them. */
function runtimeRelatives(source: Source): string[] {
  const text = readFileSync(join(root, source.file), 'utf8').replace(
    /^\s*(?:import|export) type\b[^;]*?from\s+['"][^'"]+['"]/gm,
    '',
  )
  const found = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2]) as string | undefined)
  return found
    .filter((specifier) => specifier?.startsWith('.'))
    .map((specifier) => relative(root, resolve(root, dirname(source.file), specifier as string)))
}

const graph = new Map(sources.map((source) => [source.file, runtimeRelatives(source)]))
const done = new Set<string>()
function visit(file: string, path: readonly string[]): void {
  const at = path.indexOf(file)
  if (at >= 0) breaches.push(`cycle: ${[...path.slice(at), file].join(' -> ')}`)
  if (at >= 0 || done.has(file)) return
  for (const next of graph.get(file) ?? []) visit(next, [...path, file])
  done.add(file)
}
for (const file of graph.keys()) visit(file, [])

for (const breach of breaches) console.error(breach)
console.error(`imports: ${sources.length} files, ${breaches.length} breaches`)
process.exitCode = breaches.length === 0 ? 0 : 1
