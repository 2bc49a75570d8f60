-- Reads what waits for Kafka, for the one process that does so at a time: so many entries, and no
-- further one once they hold 256 KiB.
--
-- ARGV: 1 reader  2 entries  3 how long it stays the reader, ms
-- Gives {0} where another reads, else {1, more, {{id, {field, value ...}} ...}}.
local ENOUGH, STEP = 262144, 16
local reader = redis.call('GET', prefix .. 'outr')
if reader and reader ~= ARGV[1] then
  return {0}
end
if redis.call('EXISTS', outbox) == 0 then
  return {1, 0, {}}
end
redis.call('SET', prefix .. 'outr', ARGV[1], 'PX', ARGV[3])
local most, bytes, from, entries = tonumber(ARGV[2]), 0, '-', {}
while #entries < most and bytes < ENOUGH do
  local some = redis.call('XRANGE', outbox, from, '+', 'COUNT', math.min(STEP, most - #entries))
  if #some == 0 then
    return {1, 0, entries}
  end
  for _, entry in ipairs(some) do
    if bytes < ENOUGH then
      entries[#entries + 1] = entry
      for i = 2, #entry[2], 2 do
        bytes = bytes + #entry[2][i]
      end
    end
  end
  from = '(' .. entries[#entries][1]
end
return {1, #redis.call('XRANGE', outbox, from, '+', 'COUNT', 1), entries}
