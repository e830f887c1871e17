import { conformance } from '@sess/conformance/vitest'
import { driverCases } from '../../redis/test/driver-cases.ts'
import * as onCluster from '../test/cluster-harness.ts'
import { harness as onSentinel } from '../test/sentinel-harness.ts'
import * as onOneServer from '../test/single-harness.ts'

conformance(onOneServer.harness)

driverCases(onOneServer.leastPrivileged)
driverCases(onCluster.harness)
// In most other cases Sentinel, and a version of `redis`, differ only after a lost connection.
driverCases(onOneServer.onRedis5, ['round-trip', 'races', 'faults'])
driverCases(onSentinel, ['faults'])
driverCases(onCluster.onRedis5, ['faults'])
