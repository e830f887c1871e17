export { myStore, type MyStoreClient, type MyStoreOptions } from './my-store.ts'
