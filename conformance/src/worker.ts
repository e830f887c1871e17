import { once } from 'node:events'
import type { SessionStore } from '@sess/core'
import type { Connection } from './contract.ts'
import type { Message } from './process.ts'
import type { Task } from './task.ts'

/** Does a task on a store. */
async function perform(store: SessionStore, task: Task): Promise<unknown> {
  const { now } = task
  switch (task.kind) {
    case 'increment': {
      let conflicts = 0
      for (let done = 0; done < task.times;) {
        const record = await store.read(task.key, now, true)
        if (!record) throw new Error('the record is missing')
        const next = {
          ...record,
          revision: record.revision + 1,
          payload: Buffer.from(String(Number(Buffer.from(record.payload).toString()) + 1)),
        }
        if ((await store.replace(task.key, next, record, now)) === 'replaced') done++
        else conflicts++
      }
      return conflicts
    }
    case 'create': {
      const won: number[] = []
      for (const [i, key] of task.keys.entries())
        if (
          await store.create(
            key,
            { revision: 1, expiresAt: task.expiresAt, payload: Buffer.from(String(process.pid)) },
            now,
          )
        )
          won.push(i)
      return won
    }
    case 'replace-past-delete': {
      let revived = 0
      for (let left = task.after; left > 0;) {
        const record = await store.read(task.key, now, true)
        if (!record) {
          left--
          continue
        }
        if (left < task.after) revived++
        const answer = await store.replace(task.key, { ...record, revision: record.revision + 1 }, record, now)
        if (answer === 'missing') left--
      }
      return revived
    }
    case 'read':
      return (await store.read(task.key, now)) !== undefined
  }
}

const [module, argument] = process.argv.slice(2)

function say(message: Message): Promise<void> {
  return new Promise((resolve) => process.send!(message, () => resolve()))
}

async function serve(): Promise<Message> {
  const { connect } = (await import(module!)) as { connect: (argument: string) => Promise<Connection> }
  const { store, close } = await connect(argument!)
  const asked = once(process, 'message') as Promise<[Task]>
  await say({ ready: true })
  const [task] = await asked
  const value = await perform(store, task)
  await close()
  return { value }
}

await say(await serve().catch((error: unknown) => ({ error: String(error) })))
process.disconnect()
