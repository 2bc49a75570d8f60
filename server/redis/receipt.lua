-- What a receipt says of one destination (contract 17): what was handled may still fail, and is not
-- sent again; what waits for its next attempt and was delivered after all is handled. Nothing else
-- changes a status: what has failed of a text that was delivered is another copy of it.
--
-- ARGV: 1 id  2 slice  3 index  4 "late", "part": late, of a text in parts, one that is not the last, whose
--       delivery is the text's; "delivered" or "read"  5 settlement to keep  6 the same as an event
--       7 how long a message is kept that has ended, ms
-- Gives "done"; "gone": no such message or destination; "again": it was said before; "early": it is
-- out, or its slice is held, and it counts when the holder puts that down; "open": nothing was sent
-- that it could be of, or it will be tried again anyway.

local DUPLICATE = 128 -- bridge/core/settlement.c

local function as_duplicate(settlement)
  return string.sub(settlement, 1, 3) .. string.char(bit.bor(string.byte(settlement, 4), DUPLICATE)) ..
    string.sub(settlement, 5)
end

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
local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'C', 'ok', 'dead', 'er')
local stored = redis.call('HGET', key('sl', id), k)

if not stored or f[2] ~= '1' or tonumber(k) >= tonumber(f[4] or '0')
  or index >= size_of(tonumber(k), tonumber(f[3])) then
  return 'gone'
end
local h = read_head(stored)
local pending, settled = has_bit(pending_map(h), index), has_bit(settled_map(h), index)
local out = pending and h.flags ~= 0 and index < h.mark and not settled
local tried = settled or h.flags == 0 or h.attempt > 1
local failed = what == 'late' or what == 'part'
local counts = pending and not out and tried and not failed and f[1] == '1'
local now_handled = counts and h.holder == NOBODY
local maps = redis.call('HMGET', key('late', id), k, 'd' .. k, 'r' .. k)
local copy = what == 'late' and not has_bit(maps[1] or '', index)
  and (has_bit(maps[2] or '', index) or has_bit(maps[3] or '', index))
local field = copy and 'f' .. k or failed and k or string.sub(what, 1, 1) .. k
local heard = redis.call('HGET', key('late', id), field) or ''
local kept, event = ARGV[5], ARGV[6]
local answer = 'done'

if not now_handled and (has_bit(heard, index) or (failed and has_bit(dead_map(h), index))) then
  return 'again'
end
if pending and not out and not counts then
  return 'open'
end
if f[7] then -- with the address it was looked up, perhaps, before somebody was erased
  kept, event = without_erased(id, k, kept, event)
end
if copy then
  kept, event = as_duplicate(kept), as_duplicate(event)
elseif pending and not now_handled then
  answer = 'early'
end
local at = math.floor(index / 8) + 1
heard = heard .. string.rep('\0', at - #heard)
heard = string.sub(heard, 1, at - 1) ..
  string.char(bit.bor(string.byte(heard, at), bit.rshift(128, index % 8))) .. string.sub(heard, at + 1)
local arrived = nil
if now_handled then
  local one = string.rep('\0', at - 1) .. string.char(bit.rshift(128, index % 8))
  arrived = hear_delivered(id, k, h, one, '', maps[1])
end

redis.call('XADD', outbox, '*', 't', 'receipt', 'm', id, 'at', now, 'k', k, 'b', event)
if arrived then
  tell_settled(id, k, arrived.event)
end
redis.call('APPEND', key('o', id) .. ':' .. k, kept)
redis.call('HSET', key('late', id), field, heard)
if field == k and answer == 'done' then
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
