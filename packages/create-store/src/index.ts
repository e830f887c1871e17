export { createStore, type CreateStoreOptions, type CreatedStore } from './create-store.ts'
export { InputError } from './input-error.ts'
