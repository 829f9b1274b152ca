-- What wrk has measured, as one line of JSON behind its own text.
function report(summary, latency, more)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p90_ms": %.3f, "p99_ms": %.3f,' ..
    ' "max_ms": %.3f, "failed": %d, "unanswered": %d, "bytes": %d%s}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.bytes, more or ''))
end

function lines(path)
  local read = {}
  for line in io.lines(path) do read[#read + 1] = line end
  return read
end
