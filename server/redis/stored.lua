-- A message or callback as it is at one instant of Redis' clock, by which its times are
-- (server/stored.h; keys and fields: server/store.h).
--
-- KEYS: 1 m:<id>  2 sl:<id>
-- Gives {now, its fields, the record of its slice 0 or ''}; none has fields that isn't there.
local time = redis.call('TIME')

return {time[1] * 1000 + math.floor(time[2] / 1000), redis.call('HGETALL', KEYS[1]),
  redis.call('HGET', KEYS[2], '0') or ''}
