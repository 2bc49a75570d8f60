-- A callback's attempt has ended: its state becomes what core/callback_state.h made of it, unless
-- another has put a result on it meanwhile.
--
-- ARGV: 1 id  2 record  3 "1": still open  4 lastResult  5 failures  6 next call, ms  7 last call,
--       ms, '' for none  8 purge, ms after now  9 reason  10 "1": possible duplicate
local id, record, open = ARGV[1], ARGV[2], ARGV[3] == '1'
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'mr', 'created')
local stored = redis.call('HGET', key('sl', id), '0')

if f[1] ~= '1' or f[2] ~= '2' or not stored
  or string.sub(stored, 19, 34) ~= string.sub(record, 19, 34) then
  return 'fenced'
end
redis.call('ZREM', lease, id .. '/0')
redis.call('HDEL', key('sl', id), '0')
redis.call('HINCRBY', m, 'ver', 1)
redis.call('HSET', m, 'last', ARGV[4], 'fail', ARGV[5], 'next', ARGV[6])
if ARGV[7] ~= '' then
  redis.call('HSET', m, 'lastcall', ARGV[7])
end
if open then
  redis.call('HSET', m, 'at', ARGV[6])
  redis.call('ZADD', key('q', id), ARGV[6], 0)
  point(id)
else
  local purge = digits(now + tonumber(ARGV[8]))
  redis.call('HSET', m, 'st', '2', 'purge', purge)
  redis.call('ZADD', gc, purge, id)
  redis.call('ZREM', act, id)
  redis.call('ZREM', due, id)
  redis.call('ZREM', dial, id)
  redis.call('ZREM', prefix .. 'callbacks', string.format('%016.0f:%s', tonumber(f[4]) or 0, id))
end
redis.call('XADD', outbox, '*', 't', open and 'called' or 'called-last', 'm', id, 'at', now, 'b',
  ARGV[9], 'r', ARGV[4], 'c', table.concat({ARGV[5], tonumber(f[3]) + 1, ARGV[6]}, ' '), 'd', ARGV[10])
return 'done'
