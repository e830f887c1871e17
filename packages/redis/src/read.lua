-- The values of keys, as MGET gives them, but no more of each than a record may have: somebody may have put more there, and
-- it would hold up all else on the connection. Empty where there is none, and where the key is of another type.
--
-- KEYS: those of the records.
-- ARGV[1]: the last byte that is read.
local values = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('GETRANGE', key, '0', ARGV[1])
  if type(value) == 'table' then
    -- What the server refuses for its role, or for a right that is lacking, is the answer to all.
    if not value.err:find('WRONGTYPE', 1, true) then return value end
    value = ''
  end
  values[i] = value
end
return values
