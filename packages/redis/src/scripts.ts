import { createHash } from 'node:crypto'
import type { RedisClient } from './client.ts'

/** A script, and the name that Redis knows it by. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/*
 * Rules for the scripts:
 * - All keys are declared. An id is what stands in a record's key after the prefix: from the length of the index's key on.
 * - The first value is the permit (see permits.ts): without it nothing is done, and the answer is -1.
 * - The record is written last, and deleted first: what fails on the way, a right that is lacking for one, has changed no
 *   record and left no record without its entry in the index.
 */

/**
 * Compare-and-set of a record: create, replace and touch.
 *
 * Keys: the record; the index, where there is a subject. Values: permit, now, the revision that must be there (-1: none),
 * how many ms from now Redis may drop the record, and its bytes; for a touch those of the expiry alone.
 * Answers 0: done; 1: another revision; 2: none.
 *
 * The index's scores are by the server's clock, the one by which records are dropped: a create clears what is past, and so
 * an entry goes after its record, wherever the clocks of applications stand. A write puts a lost entry back.
 */
export const write: Script = script(`
if ARGV[1]~='1' then return -1 end
local k,i,v,l,r,e=KEYS[1],KEYS[2],ARGV[5],ARGV[4],-1,0
local h=redis.call('GETRANGE',k,0,17)
if #h>17 then r,e=struct.unpack('>dd',h) end
if tonumber(ARGV[2])>=e then r=-1 end
if r~=tonumber(ARGV[3]) then return r==-1 and 2 or 1 end
if #v<9 and struct.unpack('>d',v)<=e then return 0 end
if i then
local t=redis.call('TIME')
t=t[1]*1000+math.floor(t[2]/1000)
if r==-1 then redis.call('ZREMRANGEBYSCORE',i,0,t) end
redis.call('ZADD',i,t+l,k:sub(#i))
redis.call('PEXPIREAT',i,redis.call('ZRANGE',i,-1,-1,'WITHSCORES')[2])
end
if #v<9 then
redis.call('PEXPIRE',k,l)
redis.call('SETRANGE',k,8,v)
else
redis.call('SET',k,v,'PX',l)
end
return 0`)

/**
 * Deletes records, with their entries in the index; entries without a record go too. Or only counts.
 *
 * Keys: the index, the records. Values: permit, now, the subject that the records must have, length first (empty: any), and
 * anything at all in order not to delete. Answers how many of the records are, or were, live.
 */
export const remove: Script = script(`
if ARGV[1]~='1' then return -1 end
local n,i,s=0,KEYS[1],ARGV[3]
for j=2,#KEYS do
local k=KEYS[j]
local h=redis.call('GETRANGE',k,0,15+#s)
if h=='' or h:sub(17)==s then
if #h>15 and struct.unpack('>d',h,9)>tonumber(ARGV[2]) then n=n+1 end
if not ARGV[4] then
redis.call('DEL',k)
redis.pcall('ZREM',i,k:sub(#i))
end
end
end
return n`)

/** Runs a script by its name, and by its text where the server does not know it: after a restart, or a failover. */
export async function evaluate(
  client: RedisClient,
  { lua, sha }: Script,
  keys: readonly string[],
  values: readonly (string | Buffer)[],
): Promise<number> {
  const answer = await client.evalsha(sha, keys.length, ...keys, ...values).catch((error: unknown) => {
    if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
    return client.eval(lua, keys.length, ...keys, ...values)
  })
  return Number(answer)
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
