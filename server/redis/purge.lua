-- Takes away what is deleted or closed for long enough, one thing a call and at most 50 of its
-- slices (server/purge.c; keys and fields: server/store.h). The prefixes of the keys of a thing end
-- where its id follows.
--
-- KEYS: 1 gc  2 m:  3 q:  4 c:  5 sl:  6 late:  7 rep:  8 messages  9 callbacks  10 o:  11 chatmessages
-- Gives {0} where nothing is due yet, {1} where there may be more to do.
local SLICES_MAX = 2000 -- STORE_SLICES_MAX
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local id = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 1)[1]
if not id then
  return {0}
end
local m = KEYS[2] .. id
local whole, f = pcall(redis.call, 'HMGET', m, 'st', 'C', 'purge', 'created', 'out')
if not whole and redis.call('TYPE', m).ok ~= 'hash' then -- damaged: put aside (schedule.lua)
  redis.call('HSET', string.sub(KEYS[1], 1, -3) .. 'aside', id, 'm is no hash')
  redis.call('ZREM', KEYS[1], id)
  return {1}
elseif not whole then
  error(f)
end
if f[1] == '1' or not f[1] then
  redis.call('ZREM', KEYS[1], id) -- opened again, or gone
  return {1}
end
if f[1] == '8' and (tonumber(f[5]) or 0) > 0 then
  redis.call('ZADD', KEYS[1], now + 10000, id) -- what is out will be told with its addresses
  return {1}
end
local slices = math.min(tonumber(f[2]) or 0, SLICES_MAX)
local purge = tonumber(f[3]) or 0
if purge <= now then
  for k = slices - 1, math.max(slices - 50, 0), -1 do
    redis.call('UNLINK', KEYS[4] .. id .. ':' .. k, KEYS[10] .. id .. ':' .. k)
  end
  redis.call('HDEL', m, 'c0')
  slices = math.max(slices - 50, 0)
  redis.call('HSET', m, 'C', slices)
  if slices > 0 then
    return {1}
  end
  redis.call('UNLINK', KEYS[3] .. id, KEYS[5] .. id, KEYS[6] .. id, KEYS[7] .. id)
end
if purge > now then
  redis.call('ZADD', KEYS[1], purge, id)
  return {1}
end
local member = string.format('%016.0f:%s', tonumber(f[4]) or 0, id)
paged_remove(KEYS[8], member)
paged_remove(KEYS[11], member)
redis.call('ZREM', KEYS[9], member)
redis.call('DEL', m)
redis.call('ZREM', KEYS[1], id)
return {1}
