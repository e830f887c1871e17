/** What was asked for cannot be done. The message says why, and what to ask for instead. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
