-- Removes what one partition wrote: after its hub was replaced by a new one, whose sequence numbers begin anew, the
-- fence would keep the old values.
--
-- KEYS[1]  owners: see write-panes.lua
-- KEYS[2..] hashes of one metric
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the writer
-- Returns the highest owner epoch. When that is not the writer's, nothing was removed: the partition has a later owner.
local prefix, epoch = ARGV[1] .. '|', tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if owner > epoch then return owner end
redis.call('HDEL', KEYS[1], ARGV[1] .. '#at', ARGV[1] .. '#hub')
for k = 2, #KEYS do
  if redis.call('HDEL', KEYS[k], ARGV[1]) == 1 then
    redis.call('HDEL', KEYS[k], ARGV[1] .. '#revision')
    for _, field in ipairs(redis.call('HKEYS', KEYS[k])) do
      if string.sub(field, 1, #prefix) == prefix then redis.call('HDEL', KEYS[k], field) end
    end
    redis.call('HINCRBY', KEYS[k], 'rev', 1)
  end
end
return epoch
