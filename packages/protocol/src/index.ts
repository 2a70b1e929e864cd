export * from './placeholder.ts'
