import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { says, startRedis, startServer } from './index.ts'

const pongs = (port: number): Promise<boolean> => says(port, 'PING\r\n', /^\+PONG/)

test('a server answers once its start resolves, and its end leaves no process or file behind', async () => {
  const redis = await startRedis()
  expect(await pongs(redis.port)).toBe(true)
  await redis.stop()
  await redis.stop()
  expect([await pongs(redis.port), existsSync(redis.folder), redis.pid]).toEqual([false, false, undefined])
})

test('a server that was killed starts again on the same port with the same files', async () => {
  await using redis = await startRedis({ appendonly: 'yes', appendfsync: 'always' })
  await says(redis.port, 'SET a 1\r\n', /^\+OK/)
  await redis.kill()
  expect(await pongs(redis.port)).toBe(false)
  await redis.restart()
  expect(await says(redis.port, 'GET a\r\n', /^\$1\r\n1/)).toBe(true)
})

test('a paused server does nothing until it is resumed', async () => {
  await using redis = await startRedis()
  const socket = connect(redis.port, '127.0.0.1')
  await once(socket, 'connect')
  const heard: string[] = []
  socket.on('data', (bytes) => heard.push(bytes.toString()))
  await redis.pause()
  socket.write('PING\r\n')
  await delay(100)
  expect(heard).toEqual([])
  redis.resume()
  while (heard.length === 0) await delay(5)
  expect(heard.join('')).toBe('+PONG\r\n')
  socket.destroy()
})

test('a paused server can be ended', async () => {
  const redis = await startRedis()
  await redis.pause()
  await redis.stop()
  expect(redis.pid).toBeUndefined()
})

test('the error for a server that does not start says why', async () => {
  await expect(startRedis({ maxmemory: 'nonsense' })).rejects.toThrow(/redis-server did not answer[^]*maxmemory/)
  await expect(startServer({ command: 'no-such-server', args: () => [], answers: async () => false })).rejects.toThrow(
    /no-such-server/,
  )
})

test('a server ends with the process that started it, even if that process is killed', async () => {
  const code = `import { startRedis } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const { port, folder } = await startRedis()
    console.log(JSON.stringify({ port, folder }))
    process.kill(process.pid, 'SIGKILL')`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]).catch(
    (error: unknown) => error as { stdout: string },
  )
  const { port, folder } = JSON.parse(stdout) as { port: number; folder: string }
  expect(port).toBeGreaterThan(0)
  while ((await pongs(port)) || existsSync(folder)) await delay(20)
})
