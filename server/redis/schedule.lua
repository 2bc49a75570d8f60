-- What the schedule's scripts have in common; it stands in front of each (keys and fields:
-- server/store.h; the record of a slice: bridge/core/slice.h).
--
-- KEYS: "s:{NN}:", which all keys of a shard begin with, and which is none itself, so that a server
-- of a cluster runs no such script while their slot moves (bridge/io/redis_cluster.c); most have one, and all of them may where a
-- single server has all shards (bridge/io/redis_schedule_group.c)
local prefix, due, act, lease, dial, outbox, gc

-- What follows is about the shard of KEYS[at].
local function enter(at)
  prefix = KEYS[at]
  due, act, lease = prefix .. 'due', prefix .. 'act', prefix .. 'lease'
  dial, outbox, gc = prefix .. 'dial', prefix .. 'out', prefix .. 'gc'
end
enter(1)

-- After an error: which of the shard's own keys somebody has damaged.
local function which_key()
  local kinds = {[due] = 'zset', [dial] = 'zset', [act] = 'zset', [lease] = 'zset', [gc] = 'zset',
    [outbox] = 'stream', [prefix .. 'outr'] = 'string', [prefix .. 'sh'] = 'hash', [prefix .. 'aside'] = 'hash'}
  for name, kind in pairs(kinds) do
    local known, is = pcall(redis.call, 'TYPE', name)
    if known and is.ok ~= 'none' and is.ok ~= kind then
      return ': ' .. name .. ' is a ' .. is.ok
    end
  end
  return ''
end

-- Does to the shard of KEYS[at] what can't keep others from theirs: gives what it gives, or the
-- error's text.
local function in_shard(at, work, ...)
  enter(at)
  local whole, answer = pcall(work, ...)
  if whole then
    return answer
  end
  return (type(answer) == 'table' and answer.err or tostring(answer)) .. which_key()
end

-- What may be refused comes before what it would have told of: first a script tells the outbox, and once
-- that has taken one entry it takes all of that script's; then counts and record, side by side, of which
-- both were read and so can be written; then where the thing waits, which fsck.lua can derive. One that
-- broke off is done again: at worst an outcome is told twice, which its reader can see, and none is lost.

-- A thing whose own keys or fields are damaged is put aside, so that its shard's others go on.
local aside = {} -- {id, slice or -1, why}, since the script or its shard began

local BEHIND = '2' -- of pz: it waits for another to end, else it is paused
local HEAD, NOBODY, SLICE = '>BBBBBBHHHHI4', string.rep('\0', 16), 1000

local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)

local function key(name, id)
  return prefix .. name .. ':' .. id
end

-- A number as Redis reads it again: tostring(1e15) is "1e+15".
local function digits(n)
  return string.format('%.0f', n)
end

local now_text = digits(now)

local function size_of(k, n)
  return math.min(SLICE, n - SLICE * k)
end

-- Made whole: a table that grows field by field is made anew five times.
local function read_head(record)
  local attempt, crashes, flags, pending_n, settled_n, dead_n, mark, ok, dead, out, seq =
    struct.unpack(HEAD, record)
  return {attempt = attempt, crashes = crashes, flags = flags, pending_n = pending_n,
    settled_n = settled_n, dead_n = dead_n, mark = mark, ok = ok, dead = dead, out = out, seq = seq,
    holder = string.sub(record, 19, 34), maps = string.sub(record, 35)}
end

local function write_head(h)
  return struct.pack(HEAD, h.attempt, h.crashes, h.flags, h.pending_n, h.settled_n, h.dead_n, h.mark,
    h.ok, h.dead, h.out, h.seq) .. h.holder .. h.maps
end

local function has_bit(map, i)
  local byte = string.byte(map, math.floor(i / 8) + 1) or 0
  return bit.band(byte, bit.rshift(128, i % 8)) ~= 0
end

local function pending_map(h)
  return string.sub(h.maps, 1, h.pending_n)
end

local function settled_map(h)
  return string.sub(h.maps, h.pending_n + 1, h.pending_n + h.settled_n)
end

local function dead_map(h)
  return string.sub(h.maps, h.pending_n + h.settled_n + 1, h.pending_n + h.settled_n + h.dead_n)
end

-- Those that are put off and pend still, as the record has them (core/slice.h).
local function put_off(h, pending)
  local at, kept = h.pending_n + h.settled_n + h.dead_n + 1, {}
  for i = at + 1, #h.maps, 10 do
    if has_bit(pending, (struct.unpack('>H', h.maps, i))) then
      kept[#kept + 1] = string.sub(h.maps, i, i + 9)
    end
  end
  return #kept > 0 and string.char(#kept) .. table.concat(kept) or ''
end

local function pop_count(byte)
  local n = 0
  while byte ~= 0 do
    byte = bit.band(byte, byte - 1)
    n = n + 1
  end
  return n
end

-- When what waits of it is due first, or nil. What is new and has one slice waits without a q.
local function first_of(id)
  local first = redis.call('ZRANGE', key('q', id), 0, 0, 'WITHSCORES')[2]
  if first then
    return first
  end
  local f = redis.call('HMGET', key('m', id), 'st', 'C', 'at')
  if f[1] == '1' and f[2] == '1' and redis.call('EXISTS', key('sl', id)) == 0 then
    return f[3]
  end
end

-- A call that was begun may be out: its holder may be gone, and anybody can end it.
local function is_begun(id)
  local record = redis.call('HGET', key('sl', id), '0')
  return record and read_head(record).mark > 0
end

-- The one function by which waiting work is made reachable, and its earliest time known. A call
-- that is still to be begun waits apart, where only who has a dialler looks.
local function point(id)
  if redis.call('ZSCORE', act, id) then
    return
  end
  local first = first_of(id)
  local held = redis.call('HMGET', key('m', id), 'st', 'pz', 'pk', 'kind')
  local index, other = due, dial
  if held[4] == '2' and not is_begun(id) then
    index, other = dial, due
  end
  if held[4] == '2' then
    redis.call('ZREM', other, id)
  end
  if not first or (held[2] and held[1] == '1') then
    redis.call('ZREM', index, id)
    return
  end
  local score = digits(math.max(tonumber(first), tonumber(held[3] or '0')))
  redis.call('ZADD', index, score, id)
  if redis.call('ZRANGE', index, 0, 0)[1] == id then
    redis.call('PUBLISH', 'w:' .. string.sub(prefix, 3, -2), score)
  end
end

-- A call's request may be out until then, as whoever began it has noted in `rq`; nil: it is not.
local function out_till(rq)
  local till = rq and string.sub(rq, 1, -18)
  return till and tonumber(till) > now and till
end

-- The request that this holder began is not out, or no longer: a next call need not wait for it.
local function request_back(id, holder)
  local m = key('m', id)
  local f = redis.call('HMGET', m, 'rq', 'pk')
  if not f[1] or string.sub(f[1], -16) ~= holder then
    return
  end
  redis.call('HDEL', m, 'rq', 'rs')
  if f[2] == string.sub(f[1], 1, -18) then
    redis.call('HDEL', m, 'pk')
    point(id)
  end
end

-- A slice that nobody holds any more waits again. Of a deleted message it does only while something
-- of it is out, so that it is told; of one that has ended never.
local function wait_again(id, k, h, st, score)
  h.holder = NOBODY
  redis.call('HSET', key('sl', id), k, write_head(h))
  redis.call('ZREM', lease, id .. '/' .. k)
  if st == '1' or (st == '8' and h.out > 0) then
    redis.call('ZADD', key('q', id), digits(score), k)
    point(id)
  end
end

-- Nothing of a slice is left: its record says no more than how each destination has ended. Its
-- lease is the caller's.
local function end_slice(id, k, h)
  if h.flags ~= 0 then
    h.maps = pending_map(h) .. dead_map(h)
    h.flags, h.crashes, h.settled_n, h.mark, h.out = 0, 0, 0, 0, 0
  end
  h.holder = NOBODY
  redis.call('HSET', key('sl', id), k, write_head(h))
end

-- The one that was to wait until this one has ended: it is due now, unless its time was set anew.
local function release(id)
  local m, q = key('m', id), key('q', id)
  local f = redis.call('HMGET', m, 'pz', 'at')
  if f[1] ~= BEHIND then
    return
  end
  redis.call('HDEL', m, 'pz')
  if redis.call('EXISTS', q) == 0 then
    redis.call('ZADD', q, digits(math.max(now, tonumber(f[2]))), 0)
  end
  point(id)
end

-- All of a live message has ended: in these fields, name, value, ..., it is closed, and kept for so
-- long. Gives until when.
local function closing(set, keep_ms)
  local n, purge = #set, digits(now + tonumber(keep_ms))
  set[n + 1], set[n + 2], set[n + 3], set[n + 4] = 'st', '2', 'purge', purge
  return purge
end

-- It waited in more places than one of one slice does.
local function unlist(id)
  redis.call('HDEL', key('m', id), 'pz', 'pk', 'vf')
  redis.call('ZREM', act, id)
  redis.call('ZREM', due, id)
  redis.call('DEL', key('q', id)) -- one may wait whose pass nobody ended
end

local function tell_settled(id, k, event)
  redis.call('XADD', outbox, '*', 't', 'settled', 'm', id, 'at', now_text, 'k', k, 'b', event)
end

-- c: n, ok, dead, can, 0
local function tell_completed(id, c)
  redis.call('XADD', outbox, '*', 't', 'completed', 'm', id, 'at', now_text, 'c', table.concat(c, ' '))
end

local function addresses_of(id, k)
  local list = redis.call('GET', key('c', id) .. ':' .. k) or redis.call('HGET', key('m', id), 'c0')
  return list and cmsgpack.unpack(list) or {}
end

-- What came of destinations, as it is kept and as an event (core/settlement.h), after somebody was erased
-- out of these (swap.lua): of who is nobody now it says neither the gateway's id, which may hold the
-- number, nor a reason that is no word, nor the address that whoever tells it has from before.
local function without_erased(id, k, kept, event)
  local list = addresses_of(id, k)
  local function cut(text, is_event)
    local parts, at = {}, 1
    while at <= #text do
      local index, _, _, reason_n, name_n = struct.unpack('>HBBBB', text, at)
      local tail = at + 6 + reason_n + name_n
      local next_at = is_event and tail + 18 + struct.unpack('>H', text, tail + 16) or tail
      if list[index + 1] == '' then
        local reason = string.match(string.sub(text, at + 6, at + 5 + reason_n), '^%l+$') or ''
        parts[#parts + 1] = string.sub(text, at, at + 3) .. string.char(#reason, 0) .. reason ..
          (is_event and string.sub(text, tail, tail + 15) .. '\0\0' or '')
      else
        parts[#parts + 1] = string.sub(text, at, next_at - 1)
      end
      at = next_at
    end
    return table.concat(parts)
  end
  return cut(kept), cut(event, true)
end

-- Destinations in these bitmaps were delivered, a receipt says, though their attempt seemed to have
-- failed: those of a live message's slice that are pending have ended as handled, and are not sent
-- again. late: the bitmap of those that are said to have failed, or nil. Changes h and nothing else:
-- nil, or {count =, event =, late = what is left of that}, to be told, counted and written with h.
local function hear_delivered(id, k, h, first, second, late)
  local pending, settled, dead = pending_map(h), settled_map(h), dead_map(h)
  local map, heard = {}, {}
  for i = 1, #pending do
    local byte = string.byte(pending, i)
    local hit = bit.band(byte, bit.bor(string.byte(first, i) or 0, string.byte(second, i) or 0))
    map[i] = string.char(bit.bxor(byte, hit))
    for b = 0, hit > 0 and 7 or -1 do
      if bit.band(hit, bit.rshift(128, b)) ~= 0 then
        heard[#heard + 1] = 8 * (i - 1) + b
      end
    end
  end
  if #heard == 0 then
    return nil
  end
  local list = addresses_of(id, k)
  for i, index in ipairs(heard) do
    local address = list[index + 1] or ''
    if h.flags ~= 0 and index < h.mark and not has_bit(settled, index) then
      h.out = h.out - 1
    end
    heard[i] = struct.pack('>HBBBBI8I8H', index, h.attempt, 1, 0, 0, now, 0, #address) .. address
  end
  local now_pending, rest = table.concat(map), late and {}
  for i = 1, late and #late or 0 do -- one that is said to have failed, too, has arrived
    local ended = bit.bxor(string.byte(pending, i) or 0, string.byte(now_pending, i) or 0)
    rest[i] = string.char(bit.band(string.byte(late, i), bit.bnot(ended)))
  end
  pending = string.gsub(now_pending, '%z+$', '')
  local kept = put_off(h, pending)
  h.pending_n, h.maps, h.ok = #pending, pending .. settled .. dead .. kept, h.ok + #heard
  return {count = #heard, event = table.concat(heard), late = rest and table.concat(rest)}
end

-- What was heard, but for h: its teller comes before this.
local function write_heard(id, k, heard)
  redis.call('HINCRBY', key('m', id), 'ok', heard.count)
  if heard.late then
    redis.call('HSET', key('late', id), k, heard.late)
  end
end

-- ---- what is damaged ----

local KINDS = {m = 'hash', q = 'zset', sl = 'hash', late = 'hash'}
local KINDS_OF_SLICE = {c = 'string', o = 'string'}

local function is_other(name, of, kind)
  local is = redis.call('TYPE', key(name, of)).ok
  return is ~= 'none' and is ~= kind and name .. ' is a ' .. is
end

local function other_kind(id, k)
  for name, kind in pairs(KINDS) do
    local is = is_other(name, id, kind)
    if is then
      return is
    end
  end
  for name, kind in pairs(k and KINDS_OF_SLICE or {}) do
    local is = is_other(name, id .. ':' .. k, kind)
    if is then
      return is
    end
  end
end

-- k: nil: all of it
local function put_aside(id, k, why)
  redis.call('HSET', prefix .. 'aside', k and id .. '/' .. k or id, string.sub(why, 1, 200))
  if k then
    redis.call('ZREM', lease, id .. '/' .. k)
    if not is_other('q', id, 'zset') then
      redis.call('ZREM', key('q', id), k)
    end
  else
    redis.call('ZREM', act, id)
    redis.call('ZREM', due, id)
    redis.call('ZREM', dial, id)
  end
  aside[#aside + 1] = {id, tonumber(k or -1), why}
end

-- Does something to a thing, or to one slice of it (k), or puts that aside where its own state is in the
-- way: then nil. What Redis refuses otherwise, or a damaged shard, is the error that it was.
local function do_to(id, k, work, ...)
  local whole, answer = pcall(work, ...)
  if whole then
    return answer
  end
  -- An error of Redis begins with its code, one of Lua's, about what was read, does not.
  local text = type(answer) == 'table' and answer.err or tostring(answer)
  local fault = not string.find(text, '^%u+ ') and text or other_kind(id, k or '0')
  if not fault then
    error(text, 0)
  end
  put_aside(id, k, fault)
end
