-- Puts another text in the place of one, if that is still there (server/erase_store.c).
--
-- KEYS: 1 a hash, or a string
-- ARGV: 1 field of the hash, '' for a string  2 text that must be there  3 the other
-- Gives 1, or 0: it had changed meanwhile.
if ARGV[1] == '' then
  if redis.call('GET', KEYS[1]) ~= ARGV[2] then
    return 0
  end
  redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
  return 1
end
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
