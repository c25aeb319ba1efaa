-- What wrk sends: the bodies of a file, one a line, in turn, and what it tells of it at the end, as one line of JSON.
local bodies = {}
for line in io.lines(os.getenv("LOAD_BODIES")) do bodies[#bodies + 1] = line end
-- In place of `[<id>]`, which a body has once, comes another id of this length in each request.
local ids = os.getenv("LOAD_IDS")
local DIGITS = 10
-- Texts, or what comes before and behind the id: putting together is all that is left to do for a request.
local requests = {}
local count = 0
local threads = {}
-- Requests that went later than they were due.
late = 0

function setup(thread) threads[#threads + 1] = thread end

function init()
  wrk.method = "POST"
  wrk.path = os.getenv("LOAD_PATH")
  for line in io.lines(os.getenv("LOAD_HEADERS")) do
    local name, value = line:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for i, body in ipairs(bodies) do requests[i] = prepare(body) end
end

function prepare(body)
  if ids == "" then return wrk.format(nil, nil, nil, body) end
  local id = ids .. ("0"):rep(DIGITS)
  local text = wrk.format(nil, nil, nil, (body:gsub("%[<id>%]", id)))
  local from, to = text:find(id, 1, true)
  return { text:sub(1, to - DIGITS), text:sub(to + 1) }
end

function request()
  count = count + 1
  local it = requests[count % #requests + 1]
  if ids == "" then return it end
  return it[1] .. string.format("%010d", count) .. it[2]
end

-- At even distances: whichever connection is free takes the next request and waits until it is due.
local perSecond = tonumber(os.getenv("LOAD_PER_SECOND"))
if perSecond then
  local LATE_MS = 2
  local connections = tonumber(os.getenv("LOAD_CONNECTIONS"))
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long seconds; long nanos; } moment; int clock_gettime(int clock, moment *now);")
  local now = ffi.new("moment")
  local function nowMs()
    ffi.C.clock_gettime(1, now)
    return tonumber(now.seconds) * 1000 + tonumber(now.nanos) / 1e6
  end
  local startMs
  local taken = 0
  function delay()
    startMs = startMs or nowMs()
    -- The connections come one by one, within the first second, and not all at once.
    local dueMs = taken < connections and taken * 1000 / connections or 1000 + (taken - connections) * 1000 / perSecond
    taken = taken + 1
    local leftMs = startMs + dueMs - nowMs()
    if leftMs < -LATE_MS then late = late + 1 end
    return math.max(0, math.floor(leftMs + 0.5))
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  -- Nobody measured how long those waited that went late: they count as slower than all others.
  local lateShare = threads[1]:get("late") / math.max(1, summary.requests)
  local function percentileMs(p)
    local rank = p + 100 * lateShare
    return (rank < 100 and latency:percentile(rank) or latency.max) / 1000
  end
  io.write(string.format(
    '{"answered":%d,"failed":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"cpuSeconds":%f}\n',
    summary.requests - errors.status, failed, summary.duration / 1e6, percentileMs(50), percentileMs(99), os.clock()))
end
