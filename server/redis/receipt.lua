-- What a receipt says of one destination (contract 17): what was handled may still fail, and is not
-- sent again; what waits for its next attempt and was delivered after all is handled. Nothing else
-- changes a status.
--
-- ARGV: 1 id  2 slice  3 index  4 "late", "delivered" or "read"  5 settlement to keep  6 the same as an event
--       7 how long a message is kept that has ended, ms
-- Gives "done"; "gone": no such message or destination; "again": it was said before; "early": it is
-- out, or its slice is held, and it counts when the holder puts that down; "open": nothing was sent
-- that it could be of, or it will be tried again anyway.

-- A live message, one of whose slices has ended: perhaps all of it has.
local function complete(id, n, keep_ms)
  local c = redis.call('HMGET', key('m', id), 'ok', 'dead', 'can', 'nx')
  local ok, dead, can, set = tonumber(c[1] or '0'), tonumber(c[2] or '0'), tonumber(c[3] or '0'), {}
  if ok + dead + can ~= n then
    return
  end
  local purge = closing(set, keep_ms)
  tell_completed(id, {n, ok, dead, can, 0})
  redis.call('HSET', key('m', id), unpack(set))
  redis.call('ZADD', gc, purge, id)
  unlist(id)
  if c[4] then
    release(c[4])
  end
end

local id, k, index, what = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'C', 'ok', 'dead')
local stored = redis.call('HGET', key('sl', id), k)

if not stored or f[2] ~= '1' or tonumber(k) >= tonumber(f[4] or '0')
  or index >= size_of(tonumber(k), tonumber(f[3])) then
  return 'gone'
end
local h = read_head(stored)
local pending, settled = has_bit(pending_map(h), index), has_bit(settled_map(h), index)
local out = pending and h.flags ~= 0 and index < h.mark and not settled
local tried = settled or h.flags == 0 or h.attempt > 1
local counts = pending and not out and tried and what ~= 'late' and f[1] == '1'
local now_handled = counts and h.holder == NOBODY
local field = what == 'late' and k or string.sub(what, 1, 1) .. k
local heard = redis.call('HGET', key('late', id), field) or ''
local answer = 'done'

if not now_handled and (has_bit(heard, index) or (what == 'late' and has_bit(dead_map(h), index))) then
  return 'again'
end
if pending and not out and not counts then
  return 'open'
end
if pending and not now_handled then
  answer = 'early'
end
local at = math.floor(index / 8) + 1
heard = heard .. string.rep('\0', at - #heard)
heard = string.sub(heard, 1, at - 1) ..
  string.char(bit.bor(string.byte(heard, at), bit.rshift(128, index % 8))) .. string.sub(heard, at + 1)
local arrived = nil
if now_handled then
  local one = string.rep('\0', at - 1) .. string.char(bit.rshift(128, index % 8))
  arrived = hear_delivered(id, k, h, one, '', redis.call('HGET', key('late', id), k))
end

redis.call('XADD', outbox, '*', 't', 'receipt', 'm', id, 'at', now, 'k', k, 'b', ARGV[6])
if arrived then
  tell_settled(id, k, arrived.event)
end
redis.call('APPEND', key('o', id) .. ':' .. k, ARGV[5])
redis.call('HSET', key('late', id), field, heard)
if what == 'late' and answer == 'done' then
  redis.call('HSET', m, 'ok', digits(tonumber(f[5] or '0') - 1), 'dead', digits(tonumber(f[6] or '0') + 1))
end
if arrived then
  write_heard(id, k, arrived)
  if h.ok + h.dead < size_of(tonumber(k), tonumber(f[3])) then
    redis.call('HSET', key('sl', id), k, write_head(h))
  else
    end_slice(id, k, h)
    redis.call('ZREM', key('q', id), k)
    redis.call('ZREM', lease, id .. '/' .. k)
    point(id)
    complete(id, tonumber(f[3]), ARGV[7])
  end
end
return answer
