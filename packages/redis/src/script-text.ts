/** write.lua as it is sent: written by `pnpm --filter @sess/redis script`. */
export const WRITE: string = `if ARGV[1] ~= '1' then return 'resent' end
local call = redis.call
local written = false
local function delete(record, index, head, live, subject)
local owner = struct.pack('>H', #subject) .. subject
if subject ~= '' and head ~= '' and call('GETRANGE', record, 20, 21 + #subject) ~= owner then return 'missing' end
call('DEL', record)
written = true
redis.pcall('ZREM', index, record:sub(#index))
return live and 'done' or 'missing'
end
local function put(record, index, bytes, live, keepFor)
if index ~= record then
local seconds = call('TIME')[1]
call('ZADD', index, seconds + 1 + keepFor / 1000, record:sub(#index))
written = true
if not live then call('ZREMRANGEBYSCORE', index, 0, seconds) end
if call('PTTL', index) < tonumber(keepFor) then call('PEXPIRE', index, keepFor) end
end
call('SET', record, bytes, 'PX', keepFor)
written = true
return 'done'
end
local function change(record, index, bytes, now, expected, keepFor)
local head = call('GETRANGE', record, '0', '21')
local expiresAt, revision = 0, -1
if #head == 22 then
expiresAt, revision = struct.unpack('>dd', head:sub(5))
end
local live = now < expiresAt
if bytes == '' then return delete(record, index, head, live, expected) end
if not live then
if expected >= 0 then return 'missing' end
elseif revision ~= expected or expected < 0 then
return 'conflict'
end
local nextExpiry, nextRevision = struct.unpack('>dd', bytes:sub(5, 20))
if nextRevision == expected then
if nextExpiry <= expiresAt then return 'done' end
bytes = bytes:sub(1, 12) .. call('GETRANGE', record, 12, -1)
end
return put(record, index, bytes, live, keepFor)
end
local answers = cjson.decode(ARGV[2])
for i, terms in ipairs(answers) do
local finished, answer = pcall(change, KEYS[2 * i - 1], KEYS[2 * i], ARGV[i + 2], unpack(terms))
if not finished then
answer = answer.err or answer
if answer:find('READONLY', 1, true) or answer:find('MASTERDOWN', 1, true) then return { err = answer } end
answer = { err = answer }
end
answers[i] = answer
end
if not written then call('DEL', KEYS[#KEYS]) end
return answers`

/** read.lua as it is sent: written by `pnpm --filter @sess/redis script`. */
export const READ: string = `local values = {}
for i, key in ipairs(KEYS) do
local value = redis.pcall('GETRANGE', key, '0', ARGV[1])
if type(value) == 'table' then
if not value.err:find('WRONGTYPE', 1, true) then return value end
value = ''
end
values[i] = value
end
return values`
