export { tieredStore, type TieredStoreOptions } from './tiered-store.ts'
