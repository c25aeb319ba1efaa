-- Reads the hashes of one metric that changed since the caller read them, all at the same moment.
--
-- KEYS     hashes
-- ARGV[i]  revision of KEYS[i] that the caller has, '' when it has none
-- Returns one element for each key: false when there is no such hash, 0 when the caller's copy is current, otherwise
-- field, value, field, value, ...
local answer = {}
for i = 1, #KEYS do
  local revision = redis.call('HGET', KEYS[i], 'rev')
  if not revision then
    answer[i] = false
  elseif revision == ARGV[i] then
    answer[i] = 0
  else
    answer[i] = redis.call('HGETALL', KEYS[i])
  end
end
return answer
