-- Takes entries off the outbox that nobody can read, into a stream of their own, so that those behind
-- them are told.
--
-- KEYS: the shard
-- ARGV: ids
local KEPT = 1000 -- about so many; the oldest go
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', outbox, id, id)[1]
  if entry then
    redis.call('XADD', prefix .. 'bad', 'MAXLEN', '~', KEPT, '*', 'id', id,
      unpack(entry[2], 1, math.min(#entry[2], 200)))
    redis.call('XDEL', outbox, id)
  end
end
return 'done'
