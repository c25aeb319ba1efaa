-- What wrk sends: the bodies of a file, one a line, in turn, and what it tells of it at the end, as one line of JSON.
local bodies = {}
for line in io.lines(os.getenv("LOAD_BODIES")) do bodies[#bodies + 1] = line end
-- In place of `[<id>]` in each request comes another id.
local ids = os.getenv("LOAD_IDS")
local requests = {}
local count = 0

function init()
  wrk.method = "POST"
  wrk.path = os.getenv("LOAD_PATH")
  for line in io.lines(os.getenv("LOAD_HEADERS")) do
    local name, value = line:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end

function request()
  count = count + 1
  local i = count % #bodies + 1
  if ids == "" then return requests[i] end
  return wrk.format(nil, nil, nil, (bodies[i]:gsub("%[<id>%]", ids .. count)))
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"answered":%d,"failed":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f}\n',
    summary.requests - errors.status, failed, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
