-- Reads one page of a message: its fields, and so many slices from one on, with what is known of
-- their sending (server/message_view.c; keys and fields: server/store.h).
--
-- KEYS: 1 m:<id>  2 c:<id>  3 sl:<id>  4 late:<id>  5 rep:<id>
-- ARGV: 1 first slice  2 so many at most
-- Gives {fields, repeats, {slice, sl, late, slice, sl, late, ...}}; '' where there is none.
local fields = redis.call('HGETALL', KEYS[1])
local slices = tonumber(redis.call('HGET', KEYS[1], 'C') or '0') or 0
local first = tonumber(ARGV[1])
local last = math.min(first + tonumber(ARGV[2]), slices) - 1
local repeats = first == 0 and redis.call('GET', KEYS[5]) or ''
local parts = {}

for k = first, last do
  parts[#parts + 1] = redis.call('GET', KEYS[2] .. ':' .. k)
    or (slices == 1 and redis.call('HGET', KEYS[1], 'c0')) or ''
  parts[#parts + 1] = redis.call('HGET', KEYS[3], k) or ''
  parts[#parts + 1] = redis.call('HGET', KEYS[4], k) or ''
end
return {fields, repeats or '', parts}
