-- A new callback, whole or not at all, once for each Idempotency-Key (server/callback_add.h; keys and
-- fields: server/store.h). Most of a POST's time passes here, and Redis reads 20 KiB at once, which
-- then share one fsync: so it has the commands, arguments and bytes that a callback needs and no
-- more. effect.lua makes all later changes. What is new waits without a q.
--
-- KEYS: 1 m:<id>: s:{NN}:m: and 32 digits; the other keys are of its shard
-- ARGV: 1 due ms, or '+' and ms from now  2 digest, or ''  3 created  4 by  5 mr  6 rd  7 queue  8 oqn  9 cust
--       10 byname, then what else it has: name, value, ...
local call = redis.call
local m, at, digest, created = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local shard, id = string.sub(m, 1, 7), string.sub(m, -32)
local dial = shard .. 'dial'

if digest ~= '' then
  local known = call('HGET', m, 'dig')
  if known then -- alone, too: then the key was used for no POST (bind.lua)
    return {known == digest and 'replay' or 'other', known}
  end
  call('HSET', m, 'dig', digest)
end
if string.byte(at) == 43 then
  local time = call('TIME')
  at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(at))
end
-- st and kind: STORE_LIVE, STORE_CALLBACK. Numbers are texts here: Redis would print others.
call('HSET', m, 'st', '1', 'ver', '1', 'kind', '2', 'created', created, 'by', ARGV[4],
  'n', '1', 'C', '1', 'at', at, 'mr', ARGV[5], 'rd', ARGV[6], 'queue', ARGV[7], 'oqn', ARGV[8],
  'cust', ARGV[9], 'next', at, 'byname', unpack(ARGV, 10))
call('ZADD', dial, at, id)
if call('ZRANGE', dial, '0', '0')[1] == id then
  call('PUBLISH', 'w:' .. string.sub(shard, 3, 6), at)
end
call('ZADD', shard .. 'callbacks', '0', string.rep('0', 16 - #created) .. created .. ':' .. id)
return {'done'}
