-- A write of a slice by its holder: progress, finish or release (bridge/ports/schedule.h). One who
-- has lost the lease changes nothing; one repeated is not done twice, by its sequence.
--
-- ARGV: 1 "p", "f" or "r"  2 id  3 slice  4 record  5 settlements to keep  6 the same as an event
--       7 lease, ms  8 when again, ms  9 "1": the message waits, too  10 how long it is kept, ms
local mode, id, k, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'pz')
local st, kind, n = f[1], f[2], tonumber(f[3])
local stored = redis.call('HGET', key('sl', id), k)

if not st or not stored or string.sub(stored, 19, 34) ~= string.sub(record, 19, 34) then
  return 'fenced'
end
local old, new = read_head(stored), read_head(record)
local state = st == '8' and 'cancelled' or f[4] and 'paused' or 'done'
if mode == 'p' and new.mark > old.mark and state ~= 'done' then
  return state
end

local function count(what, by)
  if by ~= 0 then
    redis.call('HINCRBY', m, what, by)
  end
end

-- Receipts that came while these were out: what was handled since and is said to have failed, has;
-- what is to be tried again is open.
local heard = redis.call('HMGET', key('late', id), k, 'd' .. k, 'r' .. k)

local function hear_late()
  local late = heard[1]
  if not late then
    return 0
  end
  local was, is, dead, settled = pending_map(old), pending_map(new), dead_map(new), settled_map(new)
  local failed, left, map = 0, 0, {}
  for i = 1, #late do
    local byte = string.byte(late, i)
    local pending = string.byte(is, i) or 0
    local ended = bit.band(string.byte(was, i) or 0, bit.bnot(pending))
    failed = failed + pop_count(bit.band(byte, ended, bit.bnot(string.byte(dead, i) or 0)))
    if mode == 'f' then
      byte = bit.band(byte, bit.bnot(pending))
    else
      byte = bit.band(byte, bit.bnot(bit.band(pending, string.byte(settled, i) or 0)))
    end
    map[i] = string.char(byte)
    left = left + byte
  end
  if left == 0 then
    redis.call('HDEL', key('late', id), k)
  else
    redis.call('HSET', key('late', id), k, table.concat(map))
  end
  return failed
end

if new.seq ~= old.seq then
  local ok, dead = new.ok - old.ok, new.dead - old.dead
  if ok < 0 or dead < 0 or new.attempt ~= old.attempt or new.ok + new.dead > size_of(tonumber(k), n)
    or new.seq ~= old.seq + 1 or (mode ~= 'p' and new.mark > old.mark) then
    return redis.error_reply('BUG a slice was written that does not follow from what is stored')
  end
  local late = hear_late()
  count('ok', ok - late)
  count('dead', dead + late)
  if st == '8' then
    -- What was out when it was deleted is counted as it comes in; the rest of it was cancelled.
    count('out', new.out - old.out)
    count('can', old.out - new.out - ok - dead)
  end
  if ARGV[5] ~= '' then
    redis.call('APPEND', key('o', id) .. ':' .. k, ARGV[5])
  end
  if ARGV[6] ~= '' then
    redis.call('XADD', outbox, '*', 't', st == '8' and 'overtaken' or 'settled', 'm', id, 'at', now,
      'k', k, 'b', ARGV[6])
  end
  if kind == '2' and old.mark == 0 and new.mark == 1 then
    redis.call('HINCRBY', m, 'calls', 1)
  end
end

if mode == 'p' then
  redis.call('HSET', key('sl', id), k, record)
  redis.call('ZADD', lease, now + tonumber(ARGV[7]), id .. '/' .. k)
  return state
end

if (heard[2] or heard[3]) and st == '1' and kind == '1' then
  hear_delivered(id, k, new, heard[2] or '', heard[3] or '')
end
local again = math.max(now, tonumber(ARGV[8]))
local pending = new.ok + new.dead < size_of(tonumber(k), n)
if ARGV[9] == '1' then
  redis.call('HSET', m, 'pk', digits(again))
  redis.call('ZREM', act, id)
end
if mode == 'r' and new.mark == 0 and new.attempt == 1 and new.settled_n == 0 and new.ok == 0
  and st == '1' then
  redis.call('ZREM', lease, id .. '/' .. k)
  redis.call('HDEL', key('sl', id), k)
  redis.call('ZADD', key('q', id), digits(again), k)
  point(id)
elseif pending then
  wait_again(id, k, new, st, again)
else
  end_slice(id, k, new)
end
if ARGV[9] == '1' then
  point(id)
end

if st == '1' and kind == '1' and not pending then
  complete(id, n, ARGV[10])
end
return state
