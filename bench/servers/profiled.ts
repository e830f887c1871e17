// Lets the process that started a server measure it: it sends 'profile', and again 'profile' for the profile; or 'cpu'.
import { Session, type Profiler } from 'node:inspector'

let inspector: Session | undefined

/** In microseconds: short enough for functions of a few, and long enough not to be what is measured. */
const INTERVAL = 250

/** Answers `profile` messages of the parent process, and `cpu` with the microseconds that this one has used so far. */
export function answerMeasurements(): void {
  process.on('message', (message) => {
    if (message === 'cpu') {
      const { user, system } = process.cpuUsage()
      process.send!(user + system)
    }
    if (message !== 'profile') return
    if (inspector) {
      inspector.post('Profiler.stop', (_, { profile }: Profiler.StopReturnType) => process.send!(profile))
      inspector = undefined
      return
    }
    inspector = new Session()
    inspector.connect()
    inspector.post('Profiler.enable')
    inspector.post('Profiler.setSamplingInterval', { interval: INTERVAL })
    inspector.post('Profiler.start', () => process.send!('profiling'))
  })
}
