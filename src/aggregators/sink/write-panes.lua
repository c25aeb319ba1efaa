-- Writes values of one partition into the hashes of one metric, fenced by version: owner epoch and sequence number.
--
-- KEYS[1]      owners: hash of the highest owner epoch by partition; under `<partition>#at`, how far its writes are; and
--              under `<partition>#hub`, when the hub was made that they were read from
-- KEYS[2]      index: sorted set of the metric's pane starts
-- KEYS[3]      expiries: sorted set of the same, by the time (ms) at which the pane's hash expires
-- KEYS[4..]    one hash for each window
-- ARGV[1]      partition
-- ARGV[2]      owner epoch of the writer
-- ARGV[3]      hub sequence number that the values include (both are whole numbers below 2^53)
-- ARGV[4]      channel ('' for none), ARGV[5] message: announced when anything was written
-- ARGV[6]      now (ms): expired panes leave the index
-- ARGV[7]      sequence number of the writer's last write to this metric that was answered; '' for none
-- ARGV[8]      when the hub was made that the writer reads (ms); '' where that is not known
-- then for each window: start (ms, '' for a window that is no pane), expiry of a pane (absolute ms, '' for no pane),
--              revision ('' for none), '1' when the partition has written more into the window before and '' when it
--              has not, number of pairs, then the pairs: name, value ('' removes the field)
-- Returns the highest owner epoch, the highest sequence number of the windows that were left as they are, -1 if none, and
-- 1 when what was written before, or the writer's claim, is not there any more, so that more is lost, and otherwise 0.
-- When the epoch is not the writer's, nothing was written: the partition has a later owner.
-- Nor was anything when what is there is of another hub (1 for a loss): a former owner wrote it while the claim was lost.
-- A window whose sequence number is higher already is left as it is: it was written by a reader that was further on, and
-- a replay must not take it back.
local partition, epoch, sequence = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local owner = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
if owner > epoch then return { owner, -1, 0 } end
local mark = partition .. '#at'
local reached = tonumber(redis.call('HGET', KEYS[1], mark) or -1)
local lost = 0
if owner < epoch or (ARGV[7] ~= '' and reached < tonumber(ARGV[7])) then lost = 1 end
if owner < epoch then redis.call('HSET', KEYS[1], partition, ARGV[2]) end
if ARGV[8] ~= '' then
  local hub = redis.call('HGET', KEYS[1], partition .. '#hub')
  if hub and hub ~= ARGV[8] then return { epoch, -1, 1 } end
  if not hub then redis.call('HSET', KEYS[1], partition .. '#hub', ARGV[8]) end
end
if sequence > reached then redis.call('HSET', KEYS[1], mark, ARGV[3]) end
-- No `rev` may come twice, not of a hash that was made anew nor of an older copy that is back: readers would keep what
-- they have read under it. So it is the time in microseconds, and rises also where the clock is set back.
local time = redis.call('TIME')
local nowMicros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local at, written, ahead = 9, 0, -1
for k = 4, #KEYS do
  local start, expiry, revision, partial, pairs = unpack(ARGV, at, at + 4)
  local current = redis.call('HGET', KEYS[k], partition)
  -- It was evicted; or it has expired, and nobody reads it any more.
  if partial ~= '' and not current and (expiry == '' or tonumber(expiry) * 1000 > nowMicros) then lost = 1 end
  if not current or tonumber(current) <= sequence then
    redis.call('HSET', KEYS[k], partition, ARGV[3])
    if revision ~= '' then redis.call('HSET', KEYS[k], partition .. '#revision', revision) end
    for i = at + 5, at + 3 + 2 * pairs, 2 do
      local field = partition .. '|' .. ARGV[i]
      if ARGV[i + 1] == '' then
        redis.call('HDEL', KEYS[k], field)
      else
        redis.call('HSET', KEYS[k], field, ARGV[i + 1])
      end
    end
    local rev = math.max(nowMicros, tonumber(redis.call('HGET', KEYS[k], 'rev') or 0) + 1)
    redis.call('HSET', KEYS[k], 'rev', string.format('%.0f', rev))
    if start ~= '' then
      redis.call('ZADD', KEYS[2], start, start)
      redis.call('ZADD', KEYS[3], 'GT', expiry, start)
      -- Another partition may have written what came later, while this one reads on from further behind.
      redis.call('PEXPIREAT', KEYS[k], redis.call('ZSCORE', KEYS[3], start))
    end
    written = written + 1
  else
    ahead = math.max(ahead, tonumber(current))
  end
  at = at + 5 + 2 * pairs
end
-- Both leave with the last pane: after another definition has taken its place nobody writes to a metric's.
local latest = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
if latest then
  redis.call('PEXPIREAT', KEYS[2], latest)
  redis.call('PEXPIREAT', KEYS[3], latest)
end
local expired = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[6], 'LIMIT', 0, 500)
if #expired > 0 then
  redis.call('ZREM', KEYS[2], unpack(expired))
  redis.call('ZREM', KEYS[3], unpack(expired))
end
if written > 0 and ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return { epoch, ahead, lost }
