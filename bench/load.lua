-- wrk: one keep-alive GET after the other over the lines "path<TAB>token" of the file in TWINKEY_BENCH_REQUESTS.
-- The requests are made once, so that a request costs wrk a table look-up whatever server it goes to.
local requests, at = {}, 0

function init()
  for line in io.lines(os.getenv("TWINKEY_BENCH_REQUESTS")) do
    local path, token = line:match("^(.-)\t(.*)$")
    requests[#requests + 1] = wrk.format("GET", path, { Host = wrk.host, Authorization = "Bearer " .. token })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"bytes":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
