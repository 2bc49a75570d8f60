-- Puts another text in the place of one, if that is still there (server/erase_store.c).
--
-- Whoever holds a list of destinations may have it as it was: all leases of its shard up to the fence that
-- m:<id> then notes as `er`, the last one so far. None of these hands over any more, and what they tell
-- of who is nobody now names nobody (settle.lua); whoever claims later has the other list.
--
-- KEYS: 1 a hash, or a string; of a list of destinations also  2 its m:<id>  3 sh
-- ARGV: 1 field of the hash, '' for a string  2 text that must be there  3 the other
-- Gives 1, or 0: it had changed meanwhile.
local text
if ARGV[1] == '' then
  text = redis.call('GET', KEYS[1])
else
  text = redis.call('HGET', KEYS[1], ARGV[1])
end
if text ~= ARGV[2] then
  return 0
end
if KEYS[2] and redis.call('HGET', KEYS[2], 'st') then
  redis.call('HSET', KEYS[2], 'er', redis.call('HGET', KEYS[3], 'f') or '0')
end
if ARGV[1] == '' then
  redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
