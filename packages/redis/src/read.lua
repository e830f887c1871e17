-- Returns the values of keys, like MGET, but each only up to the longest record: another program may have stored a larger value,
-- which would block the connection. A value is empty if the key does not exist or has another type.
--
-- KEYS: the keys of the records.
-- ARGV[1]: the offset of the last byte to read.
local values = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('GETRANGE', key, '0', ARGV[1])
  if type(value) == 'table' then
    -- If the server refuses because of its role or of a missing right, this error is the answer to the whole script.
    if not value.err:find('WRONGTYPE', 1, true) then return value end
    value = ''
  end
  values[i] = value
end
return values
