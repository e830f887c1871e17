-- Compare-and-set of records (create, replace, touch) and their deletion: several changes at once, each done or refused by
-- itself. The answer is an array with one entry for each change: 'done', 'conflict' (another revision is there), 'missing'
-- (no live record is), or the error that Redis refused it with.
--
-- KEYS: of each change its record and the index of its subject (without a subject: the record again); at last a key that
--   holds nothing.
-- ARGV[1]: '1', or the script was sent again after a lost connection, and does nothing (connection.ts).
-- ARGV[2]: the terms of all changes, as JSON. Of a write: now, the revision that must be there (-1: none), for how many ms
--   Redis keeps the record. Of a deletion: now, and the subject that the record must have (empty: any).
-- ARGV[3] and on: of each change the record's bytes; a touch has the revision that is there; a deletion has none.
--
-- An id is what stands in a record's key after the prefix: from the length of the index's key on. What is given to a command
-- is text: Redis would format a number of Lua anew each time.
if ARGV[1] ~= '1' then return 'resent' end

local call = redis.call
local written = false

-- Deletes the record first: what fails afterwards, a right that is lacking for one, leaves no live record.
local function delete(record, index, head, live, subject)
  local owner = struct.pack('>H', #subject) .. subject
  if subject ~= '' and head ~= '' and call('GETRANGE', record, 20, 21 + #subject) ~= owner then return 'missing' end
  call('DEL', record)
  written = true
  redis.pcall('ZREM', index, record:sub(#index))
  return live and 'done' or 'missing'
end

-- Writes the record last: what fails before has changed no record, and leaves no record without its entry in the index.
-- The first command that writes must be one that takes memory: after it Redis does not stop a script when it is full.
local function put(record, index, bytes, live, keepFor)
  if index ~= record then
    -- Scores say when Redis drops the record, in seconds by its own clock: an entry goes after its record, wherever the
    -- clocks of applications stand. A lost entry comes back with the next write.
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
  -- The head: checksum, expiry, revision, length of the subject. Clients compute and check the checksum. A head that was
  -- damaged may hold any numbers: they are compared, and nothing else.
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
    -- A touch: only the expiry changes, and the checksum with it, and never to an earlier time.
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
    -- What the server refuses for its role is the answer to all, so that a client sees it: `reconnectOnError` of ioredis.
    if answer:find('READONLY', 1, true) or answer:find('MASTERDOWN', 1, true) then return { err = answer } end
    answer = { err = answer }
  end
  answers[i] = answer
end
-- An answer without a write might be a replica's, which knows less. A replica refuses this.
if not written then call('DEL', KEYS[#KEYS]) end
return answers
