-- wrk -s order.lua URL -- TOKENS PRODUCTS async|wait BOUGHT: places orders, one of a product and
-- two of another. The ids of those that were answered as wanted (202, or 201 and paid) are
-- written to BOUGHT.<thread>.
package.path = os.getenv('BENCH') .. '/wrk/?.lua;' .. package.path
require 'report'

local threads = {}
local tokens, products, run, wanted, bought
local body = '{"items":[{"productId":"%s","quantity":1},{"productId":"%s","quantity":2}],' ..
  '"shippingAddress":{"name":"Leyla Aydin","line1":"Gartenstr. 5","city":"Berlin",' ..
  '"postalCode":"10115","country":"DE"},"paymentMethod":"tok_visa"}'
local headers = {['Content-Type'] = 'application/json'}
local sent = 0
number, good = 0, 0

function setup(thread)
  threads[#threads + 1] = thread
  thread:set('number', #threads)
end

function init(arguments)
  tokens, products = lines(arguments[1]), lines(arguments[2])
  wanted = arguments[3] == 'async' and 202 or 201
  if wanted == 202 then headers['Prefer'] = 'respond-async' end
  bought = io.open(arguments[4] .. '.' .. number, 'w')
  run = string.format('%x-%s', os.time(), arguments[4]:match('[^/]*$'))
end

function request()
  local first = math.random(#products)
  local second = (first + math.random(#products - 1) - 1) % #products + 1
  sent = sent + 1
  headers['Authorization'] = 'Bearer ' .. tokens[math.random(#tokens)]
  headers['Idempotency-Key'] = string.format('%s-%d-%d', run, number, sent)
  return wrk.format('POST', '/orders', headers,
    string.format(body, products[first], products[second]))
end

function response(status, _, answer)
  if status ~= wanted then return end
  if wanted == 201 and not answer:find('"status":"paid"', 1, true) then return end
  good = good + 1
  bought:write(answer:match('"id":"([^"]+)"'), '\n')
  if good % 64 == 0 then bought:flush() end
end

function done(summary, latency)
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + thread:get('good') end
  report(summary, latency, string.format(', "good": %d', sum))
end
