-- Sets or removes one consent, once for each Idempotency-Key (server/consents.c; keys:
-- server/store.h). The member of the list is the address as given, a zero byte and the usage.
--
-- KEYS: 1 consent  2 consents  3 idem:<key>
-- ARGV: 1 field  2 usage  3 new value, '' to remove  4 digest, or ''  5 how long the key is kept, ms
if ARGV[4] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    return known == ARGV[4] and 'replay' or 'other'
  end
end
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old and ARGV[3] == '' then
  return 'gone'
end
if old then
  redis.call('ZREM', KEYS[2], string.sub(old, 2) .. '\0' .. ARGV[2])
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[2], 0, string.sub(ARGV[3], 2) .. '\0' .. ARGV[2])
end
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
end
return 'done'
