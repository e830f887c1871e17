import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { SessionStore } from '@sess/core'
import { sum } from '@sess/core/adapter'
import { play, type Play } from './history/client.ts'
import type { Operation } from './history/history.ts'
import type { Connection } from './contract.ts'
import type { Message } from './process.ts'
import type { Task } from './task.ts'

/** The time that processes spend on one record, in ms, if their calls take no longer. */
const SLOT_MS = 15

/** Performs a task on a store. */
async function perform(store: SessionStore, task: Task): Promise<unknown> {
  const { now } = task
  switch (task.kind) {
    case 'increment': {
      const began = performance.now()
      let done = 0
      while (done < task.times || performance.now() - began < task.ms) {
        const record = await store.read(task.key, now, { fresh: true })
        if (!record) throw new Error('the record is missing')
        const next = {
          ...record,
          revision: record.revision + 1,
          payload: Buffer.from(String(Number(Buffer.from(record.payload).toString()) + 1)),
        }
        if ((await store.replace(task.key, record, next, now)) === 'replaced') done++
      }
      return done
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
      let met = 0
      for (const [i, key] of task.keys.entries())
        for (
          let record = await store.read(key, now, { fresh: true });
          record;
          record = await store.read(key, now, { fresh: true })
        ) {
          // For every other record it waits, so that the delete falls between the read and the replace.
          if (i % 2) await setTimeout(1)
          const next = { ...record, revision: record.revision + 1 }
          if ((await store.replace(key, record, next, now)) === 'missing') met++
        }
      return met
    }
    case 'history':
      return playAll(store, task.plays)
    case 'sweep':
      return sum(store.sweep!(now))
    case 'read':
      return (await store.read(task.key, now)) !== undefined
  }
}

/** Makes the plays. Each process begins with the same record at about the same time. */
async function playAll(store: SessionStore, plays: readonly Play[]): Promise<Operation[][]> {
  const began = performance.now()
  const histories: Operation[][] = []
  for (const [i, plan] of plays.entries()) {
    await setTimeout(began + i * SLOT_MS - performance.now())
    histories.push(await play(store, plan))
  }
  return histories
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
