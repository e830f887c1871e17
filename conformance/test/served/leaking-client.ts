import { connect as sound } from './client.ts'

/** As the sound module, but for a timer that nobody ends. */
export const connect: typeof sound = async (argument) => {
  setInterval(() => {}, 1000)
  return sound(argument)
}
