-- Pauses a message, or lets it go on. What is out comes in meanwhile; nothing more is handed over. One
-- that goes on is looked at at once, paused or not: what rests, since its sender could not send then, is
-- due, and is asked anew. Bounded by its slices, STORE_SLICES_MAX.
--
-- ARGV: 1 id  2 "1": pause, else go on
-- Gives "done"; "gone" where there is nothing to pause; "behind": it waits for another to end, and goes
-- on when that has.
local id = ARGV[1]
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'pz', 'at')

-- A slice that was never begun is due at the message's time; one whose pass is open was due before it was
-- put back. One that waits for its next attempt keeps its time (D6).
local function rest_no_more()
  local q, from = key('q', id), digits(math.max(now, tonumber(f[4] or '0')))
  for _, k in ipairs(redis.call('ZRANGE', q, '(' .. from, '+inf', 'BYSCORE')) do
    local record = redis.call('HGET', key('sl', id), k)
    if not record or (#record >= 34 and read_head(record).flags ~= 0) then
      redis.call('ZADD', q, from, k)
    end
  end
end

if f[1] ~= '1' or f[2] ~= '1' then
  return 'gone'
end
if f[3] == BEHIND then
  return 'behind'
end
if ARGV[2] == '1' then
  redis.call('HSET', m, 'pz', '1')
  redis.call('ZREM', act, id)
else
  redis.call('HDEL', m, 'pz', 'pk')
  rest_no_more()
end
point(id)
return 'done'
