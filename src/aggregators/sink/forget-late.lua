-- Removes the late events of one partition: after its hub was replaced by a new one, whose sequence numbers begin anew.
--
-- KEYS[1]  owners: see write-panes.lua
-- KEYS[2]  stream of the partition's late events
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the writer
-- Returns the highest owner epoch. When that is not the writer's, nothing was removed: the partition has a later owner.
local epoch = tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if owner > epoch then return owner end
redis.call('HDEL', KEYS[1], ARGV[1] .. '#hub')
redis.call('DEL', KEYS[2])
return epoch
