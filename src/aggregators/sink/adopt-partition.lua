-- Claims a partition of one metric, and says whether what is there of it was read from the hub that the claimer reads.
-- If so, notes which that is.
--
-- KEYS[1]  owners: see write-panes.lua
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the claimer
-- ARGV[3]  when the hub was made (ms); '' where that is not known, or asked for: then the partition is claimed, and no more
-- ARGV[4]  sequence number of the newest event in the hub when the claimer, who had claimed the partition, asked for it: who
--          was further on read another one, unless the claim is lost, and a former owner of this one has gone on since;
--          '' to go by the time alone
-- Returns the highest owner epoch, and 1 for the same hub, 0 for another one.
-- When the epoch is not the claimer's, nothing was noted: the partition has a later owner.
local partition, epoch = ARGV[1], tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
if owner > epoch then return { owner, 0 } end
-- The claim may be lost, and without it a former owner would go on behind this.
if owner < epoch then redis.call('HSET', KEYS[1], partition, ARGV[2]) end
local hub = redis.call('HGET', KEYS[1], partition .. '#hub')
local reached = tonumber(redis.call('HGET', KEYS[1], partition .. '#at') or -1)
local last = tonumber(ARGV[4]) or math.huge
if (owner == epoch and reached > last) or (hub and ARGV[3] ~= '' and hub ~= ARGV[3]) then return { epoch, 0 } end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], partition .. '#hub', ARGV[3]) end
return { epoch, 1 }
