-- wrk -s log-in.lua URL -- EMAILS PASSWORD: logs in as one of them, by chance.
package.path = os.getenv('BENCH') .. '/wrk/?.lua;' .. package.path
require 'report'

local requests = {}

function init(arguments)
  local headers = {['Content-Type'] = 'application/json'}
  for i, email in ipairs(lines(arguments[1])) do
    local body = string.format('{"email":"%s","password":"%s"}', email, arguments[2])
    requests[i] = wrk.format('POST', '/users/login', headers, body)
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  report(summary, latency)
end
