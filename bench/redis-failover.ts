// Kills a Sentinel's master under load, with replicas that keep up and that lag, and counts what was acknowledged and then undone.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { createSessions } from '@sess/core'
import { startSentinels } from '@sess/test-servers'
import { redisStore, waitReplicas } from '@sess/redis'
import { load, type LoadData } from '../packages/redis/test/load.ts'

const { values } = parseArgs({
  options: { turns: { type: 'string', default: '3' }, lag: { type: 'string', default: '200' } },
})

/** @param lag - For how long, in ms, the replicas receive nothing before the master dies. */
async function turn(wait: boolean, lag: number): Promise<void> {
  await using group = await startSentinels(2)
  const redis = new Redis({
    sentinels: group.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    name: group.name,
    sentinelRetryStrategy: () => 50,
    retryStrategy: () => 50,
  })
  redis.on('error', () => {})
  const store = redisStore(redis, wait ? { confirm: waitReplicas(1, 500) } : {})
  const running = load(createSessions<LoadData>({ store, storeTimeout: '1s', log: false }), 32)
  await delay(1000)
  const killed = await group.master()
  if (lag > 0) {
    await redis.acl('SETUSER', 'default', '-psync', '-sync')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await delay(lag)
  }
  const start = performance.now()
  await killed.kill()
  while ((await group.master()) === killed) await delay(10)
  const promoted = performance.now()
  await running.more(1)
  const back = performance.now()
  await delay(2000)
  const { done, errors, wrong, undoneWrites, undoneRotations, undoneEnds } = await running.stop()
  redis.disconnect()
  console.log(
    `${wait ? 'waiting for replicas' : 'not waiting'}, lag ${lag} ms: ${done} operations, promoted after ${Math.round(promoted - start)} ms, ` +
      `first answer ${Math.round(back - promoted)} ms later; wrong answers ${wrong.length}, writes undone ${undoneWrites}, ` +
      `rotations undone ${undoneRotations}, ends undone ${undoneEnds}; errors ${JSON.stringify(errors)}`,
  )
}

for (const lag of [0, Number(values.lag)])
  for (const wait of [false, true]) for (let i = 0; i < Number(values.turns); i++) await turn(wait, lag)
