-- Writes of slices by their holders, each for itself: progress, finish or release
-- (bridge/ports/schedule.h). One who has lost the lease changes nothing; one repeated is not done
-- twice, by its sequence. Bounded by the caller: 64 of them.
--
-- KEYS: shards
-- ARGV, of each: 1 which of KEYS its shard is  2 "p", "f" or "r"  3 id  4 slice  5 record  6 settlements to
--       keep  7 the same as an event  8 lease, ms  9 when again, ms; of a "p" that begins a call: how long
--       its request may be out  10 "1": the message waits, too  11 how long it is kept, ms
-- Gives of each, in order, "done", "cancelled", "paused", "fenced" or why it was not written. "paused" is
-- also said to whoever claimed it before somebody was erased out of its message's destinations.
local EACH = 11
local leased, unleased = {}, {} -- of a shard, written once for all

-- Receipts that came while these were out: what was handled since and is said to have failed, has;
-- what is to be tried again is open. Gives how many have, and what is left of `late`, nil: nothing.
local function hear_late(mode, late, old, new)
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
  return failed, left > 0 and table.concat(map) or nil
end

local function write_late(id, k, was, is)
  if is and is ~= was then
    redis.call('HSET', key('late', id), k, is)
  elseif was and not is then
    redis.call('HDEL', key('late', id), k)
  end
end

-- Was it claimed before its message's destinations were changed (swap.lua)?
local function is_outdated(er, record)
  return er and struct.unpack('>d', string.sub(record, 19, 26)) <= tonumber(er)
end

local function settle(mode, id, k, record, kept, event, lease_ms, at_ms, park, keep_ms)
  local m = key('m', id)
  local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'pz', 'ok', 'dead', 'can', 'out', 'calls', 'C',
    'pk', 'vf', 'nx', 'er')
  local st, kind, n = f[1], f[2], tonumber(f[3])
  local stored = redis.call('HGET', key('sl', id), k)

  if not st or not stored or string.sub(stored, 19, 34) ~= string.sub(record, 19, 34) then
    if kind == '2' then -- its call has not begun
      request_back(id, string.sub(record, 19, 34))
    end
    return 'fenced'
  end
  local old, new = read_head(stored), read_head(record)
  local outdated = is_outdated(f[14], stored)
  local holds = not f[4] and not outdated
  local state = st == '8' and 'cancelled' or holds and 'done' or 'paused'
  if mode == 'p' and new.mark > old.mark and state ~= 'done' then
    return state
  end
  local size, again = size_of(tonumber(k), n), new.seq == old.seq
  local ok, dead = new.ok - old.ok, new.dead - old.dead
  if not again and (ok < 0 or dead < 0 or new.attempt ~= old.attempt or new.ok + new.dead > size
    or new.seq ~= old.seq + 1 or (mode ~= 'p' and new.mark > old.mark)) then
    return 'BUG a slice was written that does not follow from what is stored'
  end
  local maps = mode ~= 'p' and redis.call('HMGET', key('late', id), k, 'd' .. k, 'r' .. k)
    or not again and {redis.call('HGET', key('late', id), k)} or {}
  local set, late, heard = {}, maps[1], nil
  local arrived = mode ~= 'p' and (maps[2] or maps[3]) and st == '1' and kind == '1'
    and new.ok + new.dead < size

  local function count(at, name, by)
    if by ~= 0 then
      f[at] = digits(tonumber(f[at] or '0') + by)
      set[#set + 1], set[#set + 2] = name, f[at]
    end
  end

  if not again then
    local failed = 0
    if late then
      failed, late = hear_late(mode, late, old, new)
    end
    ok, dead = ok - failed, dead + failed
    count(6, 'dead', dead)
    if st == '8' then
      -- What was out when it was deleted is counted as it comes in; the rest of it was cancelled.
      count(8, 'out', new.out - old.out)
      count(7, 'can', old.out - new.out - ok - dead)
    end
    if kind == '2' and old.mark == 0 and new.mark == 1 then
      count(9, 'calls', 1)
    end
  end
  if arrived then
    heard = hear_delivered(id, k, new, maps[2] or '', maps[3] or '', late)
    late = heard and heard.late or late
  end
  count(5, 'ok', (again and 0 or ok) + (heard and heard.count or 0))
  local pending, later, purge = new.ok + new.dead < size, math.max(now, tonumber(at_ms)), nil
  local c = {f[3], f[5] or '0', f[6] or '0', f[7] or '0', '0'}
  local ends = mode ~= 'p' and st == '1' and kind == '1' and not pending and c[2] + c[3] + c[4] == n
  local untouched = mode == 'r' and new.mark == 0 and new.attempt == 1 and new.settled_n == 0
    and new.ok == 0 and st == '1'

  -- ---- what is told ----
  if outdated and kept ~= '' then
    kept, event = without_erased(id, k, kept, event)
  end
  local told = not again and event ~= ''
  if ends and told and not heard then
    redis.call('XADD', outbox, '*', 't', 'ended', 'm', id, 'at', now_text, 'k', k, 'b', event, 'c',
      table.concat(c, ' '))
  else
    if told then
      redis.call('XADD', outbox, '*', 't', st == '8' and 'overtaken' or 'settled', 'm', id, 'at',
        now_text, 'k', k, 'b', event)
    end
    if heard then
      tell_settled(id, k, heard.event)
    end
    if ends then
      tell_completed(id, c)
    end
  end
  if not again and kept ~= '' then
    redis.call('APPEND', key('o', id) .. ':' .. k, kept)
  end

  -- ---- counts and record ----
  if ends then
    purge = closing(set, keep_ms)
  end
  if park == '1' then
    set[#set + 1], set[#set + 2] = 'pk', digits(later)
  end
  if mode == 'p' and kind == '2' and new.mark == 1 then
    set[#set + 1], set[#set + 2] = 'rq', digits(now + tonumber(at_ms)) .. ' ' .. string.sub(record, 19, 34)
    redis.call('HDEL', m, 'rs')
  end
  if #set > 0 then
    redis.call('HSET', m, unpack(set))
  end
  if mode == 'p' then
    redis.call('HSET', key('sl', id), k, record)
    write_late(id, k, maps[1], late)
    leased[#leased + 1] = digits(now + tonumber(lease_ms))
    leased[#leased + 1] = id .. '/' .. k
    return again and 'done' or state -- else it would seem that it was not written
  elseif untouched and kind == '2' then -- a message's stays claimed: no status goes back (contract 17)
    redis.call('HDEL', key('sl', id), k)
  elseif pending then
    new.holder = NOBODY
    redis.call('HSET', key('sl', id), k, write_head(new))
  else
    end_slice(id, k, new)
  end
  if not untouched then
    write_late(id, k, maps[1], late)
  elseif maps[1] or maps[2] or maps[3] then -- nothing was sent that they could be of
    redis.call('HDEL', key('late', id), k, 'd' .. k, 'r' .. k, 'f' .. k)
  end

  -- ---- where it waits ----
  unleased[#unleased + 1] = id .. '/' .. k
  if ends then
    redis.call('ZADD', gc, purge, id)
  end
  if park == '1' then
    redis.call('ZREM', act, id)
  end
  local waits = pending and (st == '1' or (st == '8' and new.out > 0))
  if waits then
    redis.call('ZADD', key('q', id), digits(later), k)
  end
  if waits or park == '1' then
    point(id)
  end
  if ends and (heard or f[10] ~= '1' or f[4] or f[11] or f[12] or park == '1') then
    unlist(id)
  end
  if kind == '2' then
    request_back(id, string.sub(record, 19, 34))
  end
  if f[13] and (ends or (st == '8' and new.out == 0)) then
    release(f[13])
  end
  return state
end

local function write_leases()
  if #leased > 0 then
    redis.call('ZADD', lease, unpack(leased))
  end
  if #unleased > 0 then
    redis.call('ZREM', lease, unpack(unleased))
  end
end

-- A slice that can't be written is left: what is not recorded of it is sent again, and said to be.
local function settle_one(mode, id, k, ...)
  return do_to(id, k, settle, mode, id, k, ...) or 'BUG it was put aside: ' .. aside[#aside][3]
end

local answers = {}

-- Of the shard of KEYS[at], whose first answer is that: where its leases can't be written, nor are they.
local function end_shard(at, first)
  local trouble = in_shard(at, write_leases)
  for i = first, trouble and #answers or 0 do
    answers[i] = trouble
  end
  leased, unleased = {}, {}
end

local at, first = 1, 1
for i = 1, #ARGV, EACH do
  local shard = tonumber(ARGV[i])
  if shard ~= at then
    end_shard(at, first)
    at, first = shard, #answers + 1
  end
  answers[#answers + 1] = in_shard(shard, settle_one, unpack(ARGV, i + 1, i + EACH - 1))
end
end_shard(at, first)
return answers
