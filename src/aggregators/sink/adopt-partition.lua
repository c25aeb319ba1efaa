-- Says whether what is shown of a partition was read from the hub that the writer reads, and if so, notes which that is.
--
-- KEYS[1]  owners of the totals, which every hub event changes: see write-panes.lua; when the hub was made is in it under
--          `<partition>#hub`
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the writer
-- ARGV[3]  when the hub was made (ms); '' where that is not known
-- ARGV[4]  sequence number of the newest event in the hub when the writer, who had claimed the partition, asked for it: who
--          was further on read another one, unless the claim is lost, and a former owner of this one has gone on since
-- Returns the highest owner epoch, and 1 for the same hub, 0 for another one.
-- When the epoch is not the writer's, nothing was noted: the partition has a later owner.
local partition, epoch = ARGV[1], tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
if owner > epoch then return { owner, 0 } end
local hub = redis.call('HGET', KEYS[1], partition .. '#hub')
local reached = tonumber(redis.call('HGET', KEYS[1], partition .. '#at') or -1)
local last = tonumber(ARGV[4]) or math.huge
if (owner == epoch and reached > last) or (hub and ARGV[3] ~= '' and hub ~= ARGV[3]) then return { epoch, 0 } end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], partition .. '#hub', ARGV[3]) end
return { epoch, 1 }
