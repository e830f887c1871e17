/** The error for wrong input. The message says what is wrong, and what to do. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
