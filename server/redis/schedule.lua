-- What the schedule's scripts have in common; it stands in front of each (keys and fields:
-- server/store.h; the record of a slice: bridge/core/slice.h).
--
-- KEYS: 1 "s:{NN}:", which all keys of the shard begin with
local prefix = KEYS[1]
local due, act, lease = prefix .. 'due', prefix .. 'act', prefix .. 'lease'
local outbox, gc = prefix .. 'out', prefix .. 'gc'
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

local function size_of(k, n)
  return math.min(SLICE, n - SLICE * k)
end

local function read_head(record)
  local h = {}
  h.attempt, h.crashes, h.flags, h.pending_n, h.settled_n, h.dead_n, h.mark, h.ok, h.dead, h.out,
    h.seq = struct.unpack(HEAD, record)
  h.holder = string.sub(record, 19, 34)
  h.maps = string.sub(record, 35)
  return h
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
  return string.sub(h.maps, h.pending_n + h.settled_n + 1)
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

-- The one function by which waiting work is made reachable, and its earliest time known.
local function point(id)
  if redis.call('ZSCORE', act, id) then
    return
  end
  local first = first_of(id)
  local held = redis.call('HMGET', key('m', id), 'st', 'pz', 'pk')
  if not first or (held[2] and held[1] == '1') then
    redis.call('ZREM', due, id)
    return
  end
  local score = digits(math.max(tonumber(first), tonumber(held[3] or '0')))
  redis.call('ZADD', due, score, id)
  if redis.call('ZRANGE', due, 0, 0)[1] == id then
    redis.call('PUBLISH', 'w:' .. string.sub(prefix, 3, -2), score)
  end
end

-- A slice that nobody holds any more waits again. Of a deleted message it does only while something
-- of it is out, so that it is told; of one that has ended never.
local function wait_again(id, k, h, st, score)
  h.holder = NOBODY
  redis.call('ZREM', lease, id .. '/' .. k)
  redis.call('HSET', key('sl', id), k, write_head(h))
  if st == '1' or (st == '8' and h.out > 0) then
    redis.call('ZADD', key('q', id), digits(score), k)
    point(id)
  end
end
