import type { SessionKey, SessionRecord } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import type { Connection } from '../../../src/harness.ts'
import { SqlStore } from '../../sql/sql-store.ts'

/** Looks, and then writes: the driver is synchronous, so nothing of this process comes in between. */
export class LooksFirst extends SqlStore {
  constructor(file: string) {
    super(file, {
      replace: `UPDATE sessions SET revision = :revision, expires_at = :expiresAt, payload = :payload
        WHERE tag = :tag AND id = :id`,
    })
  }

  override async replace(
    { tag, id }: SessionKey,
    expected: ExpectedRecord,
    record: SessionRecord,
    now: number,
  ): Promise<'replaced' | 'conflict' | 'missing'> {
    this.fits(record)
    const [row] = this.rows('read', { tag, id, now })
    if (row?.revision !== expected.revision) return row ? 'conflict' : 'missing'
    const { revision, expiresAt, payload } = record
    return this.run('replace', { tag, id, revision, expiresAt, payload }) ? 'replaced' : 'missing'
  }
}

/** Another client of a file, with the same fault: for the kit's other processes. */
export function connect(file: string): Connection {
  const store = new LooksFirst(file)
  return { store, close: () => store.close() }
}
