/** Makes a handler wait until its row calls `go`. */
export function meeting(): { arrive: () => Promise<void>; arrived: Promise<void>; go: () => void } {
  const arrived = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  return {
    arrive: () => {
      arrived.resolve()
      return gate.promise
    },
    arrived: arrived.promise,
    go: gate.resolve,
  }
}
