-- wrk -s get.lua URL -- PATHS [TOKEN]: GETs one of the paths of the file, by chance.
package.path = os.getenv('BENCH') .. '/wrk/?.lua;' .. package.path
require 'report'

local requests = {}

function init(arguments)
  if arguments[2] then wrk.headers['Authorization'] = 'Bearer ' .. arguments[2] end
  for i, path in ipairs(lines(arguments[1])) do requests[i] = wrk.format('GET', path) end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  report(summary, latency)
end
