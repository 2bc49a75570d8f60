-- Notes which request an Idempotency-Key was used for, at the place of the thing that a POST under
-- it would make (server/binding.h; keys and fields: server/store.h). What is there stays.
--
-- KEYS: 1 m:<id of the key>
-- ARGV: 1 digest  2 how long it is kept, ms
-- Gives the digest that is there now.
if redis.call('HSETNX', KEYS[1], 'dig', ARGV[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HGET', KEYS[1], 'dig')
