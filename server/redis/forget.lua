-- Takes a callback away at once, whatever its state (server/erase_store.c; keys: server/store.h).
-- Whoever has it in flight finds its lease gone. What its POST's key was used for is still known, as
-- of any other request (bind.lua).
--
-- KEYS: 1 m:<id>  2 q:<id>  3 c:<id>:0  4 sl:<id>  5 late:<id>  6 rep:<id>  7 o:<id>:0
--       8 due  9 act  10 lease  11 gc  12 callbacks  13 dial
-- ARGV: 1 id
local KEY_MS = 691200000 -- STORE_KEY_MS
local f = redis.call('HMGET', KEYS[1], 'created', 'dig')
local created = f[1]
if not created then
  return 0
end
redis.call('ZREM', KEYS[12], string.format('%016.0f:%s', tonumber(created) or 0, ARGV[1]))
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7])
if f[2] then
  redis.call('HSET', KEYS[1], 'dig', f[2])
  redis.call('PEXPIRE', KEYS[1], KEY_MS)
end
redis.call('ZREM', KEYS[8], ARGV[1])
redis.call('ZREM', KEYS[9], ARGV[1])
redis.call('ZREM', KEYS[10], ARGV[1] .. '/0')
redis.call('ZREM', KEYS[11], ARGV[1])
redis.call('ZREM', KEYS[13], ARGV[1])
return 1
