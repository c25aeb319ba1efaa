-- Adds events of one partition to its stream of late events, each once, fenced by the owner's epoch.
--
-- KEYS[1]  owners: hash of the highest owner epoch by partition
-- KEYS[2]  stream of the partition's late events
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the writer
-- ARGV[3]  how many entries stay, about
-- ARGV[4]  id of the late event before the first of these; '' when the writer does not know of one
-- ARGV[5]  number of fields in an entry
-- then for each event, in their order in the hub: its id (`<sequence number>-<place in the pack>`), and its fields, each a
--          name and a value; none to make the owner known and no more
-- Returns the highest owner epoch. When that is not the writer's, nothing was added: the partition has a later owner.
-- Returns -1 when the event before these is not there, so that entries were lost: nothing was added.
-- An event at or before the newest entry is there already: whoever reads the hub again adds nothing twice.
local partition, epoch = ARGV[1], tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
if owner > epoch then return owner end
if owner < epoch then redis.call('HSET', KEYS[1], partition, ARGV[2]) end

local function position(id)
  local sequence, place = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(sequence), tonumber(place)
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local lastSequence, lastPlace = 0, 0
if newest then lastSequence, lastPlace = position(newest[1]) end
local function isNew(id)
  local sequence, place = position(id)
  return sequence > lastSequence or (sequence == lastSequence and place > lastPlace)
end

if ARGV[4] ~= '' and isNew(ARGV[4]) then return -1 end
local width = 2 * tonumber(ARGV[5])
for at = 6, #ARGV, width + 1 do
  if isNew(ARGV[at]) then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], ARGV[at], unpack(ARGV, at + 1, at + width))
  end
end
return epoch
