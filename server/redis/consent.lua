-- Sets or removes one consent, once for each Idempotency-Key or message (3: idem: or once:;
-- server/consents.c; keys: server/store.h). The member of the list is the address as given, a zero byte and the usage.
--
-- What had been handed over to the number when its consent went, and has not ended, is an outcome.
--
-- Of what is moved to the place of its normal form (consents_move.c): nothing takes the place of what is
-- there but a refusal that of a consent, and taken away is what is still the same.
--
-- Where the key has another digest, gives that, in a list.
--
-- KEYS: 1 consent  2 consents  3 idem:<key>  4 hand:<field>  5 out
-- ARGV: 1 field  2 usage  3 new value, '' to remove  4 digest, or ''  5 how long the key is kept, ms
--       6 what is moved, as it is stored  7 its other field; else both absent
if ARGV[4] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    return known == ARGV[4] and 'replay' or {known}
  end
end
local TOLD_MAX = 1000
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old and ARGV[3] == '' then
  return 'gone'
end
if ARGV[6] and ARGV[3] == '' and old ~= ARGV[6] then
  return 'changed'
end
if ARGV[6] and ARGV[3] ~= '' and old and not (string.sub(old, 1, 1) == '1' and string.sub(ARGV[3], 1, 1) == '0') then
  return 'kept'
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
local other = ARGV[7] and redis.call('HGET', KEYS[1], ARGV[7]) or ''
if old and not (ARGV[3] == '' and string.sub(other, 2) == string.sub(old, 2)) then
  redis.call('ZREM', KEYS[2], string.sub(old, 2) .. '\0' .. ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[2], 0, string.sub(ARGV[3], 2) .. '\0' .. ARGV[2])
end
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
end
return 'done'
