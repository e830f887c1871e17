import { hash } from 'node:crypto'
import type { RedisClient } from './client.ts'

/**
 * What became of a change: 0: done. `conflict`: another revision is there. `missing`: no live record is. Or what Redis
 * refused it with.
 */
export type Answer = 0 | 'conflict' | 'missing' | Error

/*
 * Compare-and-set of records (create, replace, touch) and their deletion, several at once; each is done or refused by itself.
 *
 * Keys: of each its record, and the index; without a subject the record again. Values: the permit (see line.ts), without
 * which nothing is done; the terms of all as JSON, of each now, the revision that must be there (-1: none), and in how many
 * ms Redis drops the record, or for a deletion now, and the subject that it must have (empty: any); of each the record's
 * bytes, for a touch with the revision that is there, for a deletion none.
 *
 * An id is what stands in a record's key after the prefix: from the length of the index's key on. What every write gives
 * to a command is text: Redis would format a number of Lua anew for each.
 *
 * - The record is written last, and deleted first: what fails on the way, a right that is lacking for one, has changed no
 *   record and left no record without its entry in the index.
 * - The first command that writes takes memory: once a script has written, Redis does not stop it when it is full.
 * - Redis drops a record 60 s late: a clock that runs fast never removes a live one. The index's scores say when it does so,
 *   in seconds by its own clock: a create clears what is past, and so an entry goes after its record, wherever the clocks of
 *   applications stand. A write puts a lost entry back. A deletion takes out an entry that has no record.
 */
const LUA = `if ARGV[1]~='1' then return -1 end
local c,m=redis.call,cjson.decode(ARGV[2])
local function one(k,i,v,n,x,l)
local e,r,h=0,-1,c('GETRANGE',k,'0','17')
if #h>17 then e,r=struct.unpack('>dd',h) end
if not(n<e) then r=-1 end
if v=='' then
if x~='' and h~='' and c('GETRANGE',k,16,17+#x)~=struct.pack('>H',#x)..x then return 'missing' end
c('DEL',k)
redis.pcall('ZREM',i,k:sub(#i))
return r<0 and 'missing' or 0
end
if r~=x then return r<0 and 'missing' or 'conflict' end
local d,y=struct.unpack('>dd',v)
if y==x then
if d<=e then return 0 end
v=v:sub(1,8)..c('GETRANGE',k,8,-1)
end
if i~=k then
local t=c('TIME')[1]
c('ZADD',i,t+1+l/1000,k:sub(#i))
if r<0 then c('ZREMRANGEBYSCORE',i,0,t) end
if c('PTTL',i)<l+0 then c('PEXPIRE',i,l) end
end
c('SET',k,v,'PX',l)
return 0
end
for j=1,#m do
local o,r=pcall(one,KEYS[2*j-1],KEYS[2*j],ARGV[j+2],unpack(m[j]))
m[j]=o and r or {err=r.err or r}
end
return m`
const SHA = hash('sha1', LUA)

/**
 * Runs the script by its name, and by its text where the server does not know it: after a restart, or a failover.
 *
 * @returns -1 without a permit.
 */
export function evaluate(
  client: RedisClient,
  keys: readonly string[],
  values: readonly (string | Buffer)[],
): Promise<readonly Answer[] | -1> {
  const rest = [keys.length, ...keys, ...values] as const
  return client.evalsha(SHA, ...rest).catch((error: Error) => {
    if (!error.message.includes('NOSCRIPT')) throw error
    return client.eval(LUA, ...rest)
  }) as Promise<readonly Answer[] | -1>
}
