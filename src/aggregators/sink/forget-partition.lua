-- Removes what one partition wrote: after its hub was replaced by a new one, whose sequence numbers begin anew, the
-- fence would keep the old values.
--
-- KEYS     hashes of one metric
-- ARGV[1]  partition
-- Returns the number of hashes that had something of it.
local prefix, changed = ARGV[1] .. '|', 0
for k = 1, #KEYS do
  if redis.call('HDEL', KEYS[k], ARGV[1]) == 1 then
    for _, field in ipairs(redis.call('HKEYS', KEYS[k])) do
      if string.sub(field, 1, #prefix) == prefix then redis.call('HDEL', KEYS[k], field) end
    end
    redis.call('HINCRBY', KEYS[k], 'rev', 1)
    changed = changed + 1
  end
end
return changed
