-- A new callback, whole or not at all, once for each Idempotency-Key (server/callback_add.h; keys and
-- fields: server/store.h). Most of a POST's time passes here, so it has the commands, keys and bytes
-- that a callback needs and no more; effect.lua makes all later changes.
--
-- KEYS: 1 m:<id>  2 q:<id>  3 due  4 callbacks
-- ARGV: 1 id  2 due ms  3 member of the list  4 wake channel  5 digest, or ''  6 created  7 by
--       8 mr  9 rd  10 queue  11 oqn  12 cust  13 byname, then what else it has: name, value, ...
local call = redis.call
local m, id, at, digest = KEYS[1], ARGV[1], ARGV[2], ARGV[5]

if digest ~= '' then
  local known = call('HGET', m, 'dig')
  if known then -- alone, too: then the key was used for no POST (bind.lua)
    return {known == digest and 'replay' or 'other'}
  end
  call('HSET', m, 'dig', digest)
end
-- st and kind: STORE_LIVE, STORE_CALLBACK. Numbers are given as texts: Redis would print them.
call('HSET', m, 'st', '1', 'ver', '1', 'kind', '2', 'created', ARGV[6], 'by', ARGV[7],
  'n', '1', 'C', '1', 'at', at, 'mr', ARGV[8], 'rd', ARGV[9], 'queue', ARGV[10], 'oqn', ARGV[11],
  'cust', ARGV[12], 'next', at, 'byname', unpack(ARGV, 13))
call('ZADD', KEYS[2], at, '0')
call('ZADD', KEYS[3], at, id)
if call('ZRANGE', KEYS[3], '0', '0')[1] == id then
  call('PUBLISH', ARGV[4], at)
end
call('ZADD', KEYS[4], '0', ARGV[3])
return {'done'}
