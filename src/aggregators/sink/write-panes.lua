-- Writes values of one partition into the hashes of one metric, fenced by version.
--
-- KEYS[1]      index: sorted set of the metric's pane starts
-- KEYS[2]      expiries: sorted set of the same, by the time (ms) at which the pane's hash expires
-- KEYS[3..]    one hash for each window
-- ARGV[1]      partition
-- ARGV[2]      version: the hub sequence number that the values include (a whole number below 2^53)
-- ARGV[3]      channel, ARGV[4] message: announced when anything was written
-- ARGV[5]      now (ms): expired panes leave the index
-- then for each window: start (ms, '' for a window that is no pane), expiry (absolute ms, '' for never),
--              number of pairs, then the pairs: name, value ('' removes the field)
-- Returns the number of windows written. A window whose version is higher already is left as it is: it was written by a
-- reader that is further on, and a replay or an owner that lost its partition must not take it back.
local partition, version = ARGV[1], tonumber(ARGV[2])
local at, written = 6, 0
for k = 3, #KEYS do
  local start, expiry, pairs = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local current = redis.call('HGET', KEYS[k], partition)
  if not current or tonumber(current) <= version then
    redis.call('HSET', KEYS[k], partition, ARGV[2])
    for i = at + 3, at + 1 + 2 * pairs, 2 do
      local field = partition .. '|' .. ARGV[i]
      if ARGV[i + 1] == '' then
        redis.call('HDEL', KEYS[k], field)
      else
        redis.call('HSET', KEYS[k], field, ARGV[i + 1])
      end
    end
    redis.call('HINCRBY', KEYS[k], 'rev', 1)
    if expiry ~= '' then redis.call('PEXPIREAT', KEYS[k], expiry) end
    if start ~= '' then
      redis.call('ZADD', KEYS[1], start, start)
      redis.call('ZADD', KEYS[2], 'GT', expiry, start)
    end
    written = written + 1
  end
  at = at + 3 + 2 * pairs
end
local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[5], 'LIMIT', 0, 500)
if #expired > 0 then
  redis.call('ZREM', KEYS[1], unpack(expired))
  redis.call('ZREM', KEYS[2], unpack(expired))
end
if written > 0 then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return written
