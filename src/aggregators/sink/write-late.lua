-- Adds events of one partition to its stream of late events, each once, fenced by the owner's epoch.
--
-- KEYS[1]  owners: see write-panes.lua
-- KEYS[2]  stream of the partition's late events
-- ARGV[1]  partition
-- ARGV[2]  owner epoch of the writer
-- ARGV[3]  how many entries stay, about
-- ARGV[4]  id of the late event before the first of these; '' when the writer does not know of one
-- ARGV[5]  when the hub was made that the writer reads (ms); '' where that is not known
-- ARGV[6]  number of fields in an entry
-- then for each event, in their order in the hub: its id (`<sequence number>-<place in the pack>`), and its fields, each a
--          name and a value
-- Returns the highest owner epoch, and 1 when the event before these, or the writer's claim, is not there any more, so that
-- more is lost, and otherwise 0.
-- When the epoch is not the writer's, nothing was added: the partition has a later owner. Nor was anything when the event
-- before is not there, or what is there is of another hub (1 for a loss).
-- An event at or before the newest entry is there already: whoever reads the hub again adds nothing twice.
local partition, epoch = ARGV[1], tonumber(ARGV[2])
local owner = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
if owner > epoch then return { owner, 0 } end
if owner < epoch then redis.call('HSET', KEYS[1], partition, ARGV[2]) end
if ARGV[5] ~= '' then
  local hub = redis.call('HGET', KEYS[1], partition .. '#hub')
  if hub and hub ~= ARGV[5] then return { epoch, 1 } end
  if not hub then redis.call('HSET', KEYS[1], partition .. '#hub', ARGV[5]) end
end

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

if ARGV[4] ~= '' and isNew(ARGV[4]) then return { epoch, 1 } end
local width = 2 * tonumber(ARGV[6])
for at = 7, #ARGV, width + 1 do
  if isNew(ARGV[at]) then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], ARGV[at], unpack(ARGV, at + 1, at + width))
  end
end
return { epoch, owner < epoch and 1 or 0 }
