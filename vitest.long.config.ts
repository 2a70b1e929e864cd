import { defineConfig } from 'vitest/config'
import quick from './vitest.config.ts'

/** What takes too long for every change: `npm run test:long`. */
export default defineConfig({
  ...quick,
  test: {
    ...quick.test,
    include: ['packages/*/src/**/*.long.test.ts', 'packages/*/test/**/*.long.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
  },
})
