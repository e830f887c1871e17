-- Applies a batch of changes: compare-and-set of records (create, replace, touch), and deletions. Each change succeeds or is refused
-- alone. The answer is an array with one entry for each change: 'done', 'conflict' (the record has another revision), 'missing'
-- (there is no live record), or the error with which Redis refused the change.
--
-- KEYS: for each change the key of its record and of the index of its subject (without a subject: the key of the record again);
--   then a key that never exists.
-- ARGV[1]: '1'. Any other value means that the client sent the script again after a lost connection: it does nothing (connection.ts).
-- ARGV[2]: the terms of all changes, as JSON. For a write: now, the expected revision (-1: no live record), and for how many ms Redis
--   keeps the record. For a deletion: now, and the subject that the record must have (empty: any).
-- ARGV[3] and on: for each change the bytes of the record. A touch has the expected revision in its bytes; a deletion has no bytes.
--
-- The id of a record is the end of its key, from the length of the index's key on. Arguments of commands are text, because Redis
-- would format a number of Lua at each call.
if ARGV[1] ~= '1' then return 'resent' end

local call = redis.call
local written = false

-- Deletes the record first, so that a later failure, for instance because of a missing right, leaves no live record.
local function delete(record, index, head, live, subject)
  local owner = struct.pack('>H', #subject) .. subject
  if subject ~= '' and head ~= '' and call('GETRANGE', record, 20, 21 + #subject) ~= owner then return 'missing' end
  call('DEL', record)
  written = true
  redis.pcall('ZREM', index, record:sub(#index))
  return live and 'done' or 'missing'
end

-- Writes the record last, so that an earlier failure changes no record, and leaves no record without its entry in the index.
-- The first command that writes must be one that needs memory: Redis refuses it when memory is full, and does not stop a script
-- after its first write.
local function put(record, index, bytes, live, keepFor)
  if index ~= record then
    -- A score is the time at which Redis removes the record, in seconds of Redis's own clock. So an entry is removed after its record,
    -- independent of the clocks of applications. A lost entry comes back with the next write.
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
  -- The head: checksum, expiry, revision, length of the subject. Clients compute and check the checksum. A damaged head may hold any
  -- numbers; the script only compares them.
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
    -- A touch changes only the expiry, to a later time, and the checksum.
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
    -- If the server refuses because of its role, this error is the answer to the whole script, so that the client sees it
    -- (`reconnectOnError` of ioredis).
    if answer:find('READONLY', 1, true) or answer:find('MASTERDOWN', 1, true) then return { err = answer } end
    answer = { err = answer }
  end
  answers[i] = answer
end
-- A script without a write also runs on a replica, which may have old records. A replica refuses this command.
if not written then call('DEL', KEYS[#KEYS]) end
return answers
