-- Pauses a message, or lets it go on. What is out comes in meanwhile; nothing more leaves.
--
-- ARGV: 1 id  2 "1": pause, else go on
-- Gives "done"; "gone" where there is nothing to pause; "behind": it waits for another to end, and goes
-- on when that has.
local id = ARGV[1]
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'pz')

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
end
point(id)
return 'done'
