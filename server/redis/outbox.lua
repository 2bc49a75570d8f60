-- Takes what is known to be in Kafka off the outbox of each shard, and reads what waits there, for
-- the one process that does so at a time: so many entries of each, and none once they hold 256 KiB.
--
-- KEYS: a shard each
-- ARGV: 1 reader  2 entries  3 how long it stays the reader, ms, then of each shard: how many ids, the ids
-- Gives of each shard {0} where another reads, else {1, more, {{id, {field, value ...}} ...}}; or an
-- error's text.
local ENOUGH, STEP = 262144, 32
local bytes = 0

local function read()
  local reader = redis.call('GET', prefix .. 'outr')
  if reader and reader ~= ARGV[1] then
    if redis.call('PTTL', prefix .. 'outr') > tonumber(ARGV[3]) then -- the clock was set back
      redis.call('PEXPIRE', prefix .. 'outr', ARGV[3])
    end
    return {0}
  end
  local most, from, entries = tonumber(ARGV[2]), '-', {}
  while #entries < most and bytes < ENOUGH do
    local step = math.min(STEP, most - #entries)
    local some = redis.call('XRANGE', outbox, from, '+', 'COUNT', step)
    for _, entry in ipairs(some) do
      if bytes < ENOUGH then
        entries[#entries + 1] = entry
        for i = 2, #entry[2], 2 do
          bytes = bytes + #entry[2][i]
        end
      end
    end
    if #some < step then
      break
    end
    from = '(' .. entries[#entries][1]
  end
  if #entries > 0 then
    redis.call('SET', prefix .. 'outr', ARGV[1], 'PX', ARGV[3])
  end
  return {1, bytes >= ENOUGH or #entries == most, entries}
end

local answers, at = {}, 4
for shard = 1, #KEYS do
  local last = at + tonumber(ARGV[at])
  answers[shard] = in_shard(shard, function()
    if last > at then
      redis.call('XDEL', outbox, unpack(ARGV, at + 1, last))
    end
    local a = read()
    a[2] = a[2] and 1 or 0
    return a
  end)
  at = last + 1
end
return answers
