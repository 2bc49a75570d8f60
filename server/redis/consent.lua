-- Sets or removes one consent, once for each Idempotency-Key (server/consents.c; keys:
-- server/store.h). The member of the list is the address as given, a zero byte and the usage.
--
-- What had been handed over to the number when its consent went, and has not ended, is an outcome.
--
-- KEYS: 1 consent  2 consents  3 idem:<key>  4 hand:<field>  5 out
-- ARGV: 1 field  2 usage  3 new value, '' to remove  4 digest, or ''  5 how long the key is kept, ms
if ARGV[4] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    return known == ARGV[4] and 'replay' or 'other'
  end
end
local TOLD_MAX = 1000
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old and ARGV[3] == '' then
  return 'gone'
end
-- Told first: where the outbox takes nothing, nothing is withdrawn.
local withdrawn = string.sub(ARGV[3], 1, 1) ~= '1' and string.sub(old or '', 1, 1) ~= '0'
if withdrawn and redis.call('EXISTS', KEYS[4]) == 1 then
  local time = redis.call('TIME')
  local out = redis.call('HKEYS', KEYS[4])
  redis.call('XADD', KEYS[5], '*', 't', 'consent', 'at',
    string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), 'b',
    table.concat({ARGV[1], string.sub(ARGV[3] ~= '' and ARGV[3] or old, 2),
      table.concat(out, ' ', 1, math.min(#out, TOLD_MAX))}, '\0'))
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
if old then
  redis.call('ZREM', KEYS[2], string.sub(old, 2) .. '\0' .. ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[2], 0, string.sub(ARGV[3], 2) .. '\0' .. ARGV[2])
end
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
end
return 'done'
