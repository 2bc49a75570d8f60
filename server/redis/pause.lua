-- Pauses a message, or lets it go on. What is out comes in meanwhile; nothing more leaves. One that
-- waits behind another goes on when that one has ended.
--
-- ARGV: 1 id  2 "1": pause, else go on
-- Gives "done", or "gone" where there is nothing to pause.
local id = ARGV[1]
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'pz')

if f[1] ~= '1' or f[2] ~= '1' or f[3] == BEHIND then
  return 'gone'
end
if ARGV[2] == '1' then
  redis.call('HSET', m, 'pz', '1')
  redis.call('ZREM', act, id)
else
  redis.call('HDEL', m, 'pz', 'pk')
end
point(id)
return 'done'
