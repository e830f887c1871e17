import { hash } from 'node:crypto'
import type { RedisClient } from './client.ts'

/** A script, and the name that Redis knows it by. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/*
 * Rules for the scripts:
 * - All keys are declared. An id is what stands in a record's key after the prefix: from the length of the index's key on.
 * - The first value is the permit (see line.ts): without it nothing is done, and the answer is -1.
 * - The record is written last, and deleted first: what fails on the way, a right that is lacking for one, has changed no
 *   record and left no record without its entry in the index.
 * - The first command that writes takes memory: once a script has written, Redis does not stop it when it is full.
 */

/**
 * Compare-and-set of a record: create, replace and touch.
 *
 * Keys: the record; the index, where there is a subject. Values: permit, and one of two doubles, now and the revision that
 * must be there (-1: none), and the record's bytes; for a touch those of the expiry alone.
 * Answers 0 where it was done; `conflict`: another revision; `missing`: none.
 *
 * Redis drops a record 60 s late: a clock that runs fast never removes a live one. The index's scores say when it does so,
 * in seconds by its own clock: a create clears what is past, and so an entry goes after its record, wherever the clocks of
 * applications stand. A write puts a lost entry back.
 */
export const write: Script = script(`
local k,i,v,r,e=KEYS[1],KEYS[2],ARGV[2],-1,0
local n,x,d=struct.unpack('>ddd',v)
v=v:sub(17)
local l=math.max(math.ceil(d-n)+60000,1)
local h=c('GETRANGE',k,0,17)
if #h>17 then e,r=struct.unpack('>dd',h) end
if not (n<e) then r=-1 end
if r~=x then return r<0 and 'missing' or 'conflict' end
if #v<9 then
if d<=e then return 0 end
v=v..c('GETRANGE',k,8,-1)
end
if i then
local t=c('TIME')[1]
c('ZADD',i,t+1+l/1000,k:sub(#i))
if r<0 then c('ZREMRANGEBYSCORE',i,0,t) end
if c('PTTL',i)<l then c('PEXPIRE',i,l) end
end
c('SET',k,v,'PX',l)
return 0`)

/**
 * Deletes records, with their entries in the index; entries without a record go too.
 *
 * Keys: the index, the records. Values: permit, now, and the subject that the records must have (empty: any).
 * Answers how many of the records were live.
 */
export const remove: Script = script(`
local n,i,s=0,KEYS[1],ARGV[3]
if #s>0 then s=struct.pack('>H',#s)..s end
for j=2,#KEYS do
local k=KEYS[j]
local h=c('GETRANGE',k,0,15+#s)
if h=='' or h:sub(17)==s then
if #h>7 and ARGV[2]+0<struct.unpack('>d',h) then n=n+1 end
c('DEL',k)
redis.pcall('ZREM',i,k:sub(#i))
end
end
return n`)

/** Runs a script by its name, and by its text where the server does not know it: after a restart, or a failover. */
export function evaluate(
  client: RedisClient,
  { lua, sha }: Script,
  keys: readonly string[],
  values: readonly (string | number | Buffer)[],
): Promise<unknown> {
  return client.evalsha(sha, keys.length, ...keys, ...values).catch((error: Error) => {
    if (!error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(lua, keys.length, ...keys, ...values)
  })
}

function script(body: string): Script {
  const lua = `if ARGV[1]~='1' then return -1 end
local c=redis.call${body}`
  return { lua, sha: hash('sha1', lua) }
}
