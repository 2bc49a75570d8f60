-- One change of one message or callback, whole or not at all (server/effect.h; keys and fields:
-- server/store.h). Bounded by the number of slices, STORE_SLICES_MAX.
--
-- KEYS: 1 m:<id>  2 q:<id>  3 due, of a callback dial  4 act  5 lease  6 sl:<id>  7 list  8 idem:<key>  9 gc
--       10 c:<id>  11 rep:<id>  12 t:<id>:<token>: the slices of 10 and 12 are these and ":k"
--       13 out  14 due  15 chatmessages
-- ARGV: 1 id  2 version that must be there, or ''  3 digest, or ''  4 how long the key is kept, ms
--       5 due ms, '+' and ms from now, '' to keep, '-' for none  6 '+' into the list, '-' out of it, with
--       a p in front: it is paged; 'c+' into the one of chats' messages; '' to keep
--       7 member of the list  8 purge ms, '' to keep, '-' for none  9 '1': only if unclaimed; '2': only if
--       it has not ended
--       10 slices to take, '' to keep them  11 '1': the staged ones, else slice 0 is
--       12 and the repeats  13  14 wake channel  15 "called", "called-last": a callback's result, to
--       be told as its caller's own is (call.lua); else ''  16 of the same shard, the message that
--       goes before it, or ''  17 fields to delete, so many, then name, value, ...
local m, id, due_at = KEYS[1], ARGV[1], ARGV[5]
local creates = ARGV[2] == ''
local BEHIND = '2' -- of pz: it waits for another to end
local SLICES_MAX = 2000 -- STORE_SLICES_MAX

local function now_ms()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

if not creates and ARGV[3] ~= '' then
  local known = redis.call('GET', KEYS[8])
  if known then
    return {known == ARGV[3] and 'replay' or 'other', known}
  end
end
local old = redis.call('HMGET', m, 'ver', 'dig', 'C', 'kind', 'pz')
if creates and (old[1] or old[2]) then -- by dig alone: the key was used for no POST (bind.lua)
  return {old[2] == ARGV[3] and 'replay' or 'other', old[2]}
elseif not creates and old[1] ~= ARGV[2] then
  return {old[1] and 'changed' or 'gone'}
end
if ARGV[9] == '1' and redis.call('EXISTS', KEYS[6]) == 1 then
  return {'claimed'}
elseif ARGV[9] == '2' and redis.call('HGET', m, 'st') ~= '1' then
  return {'ended'}
end

local slices = tonumber(ARGV[10])
if slices and ARGV[11] == '1' then
  for k = 0, slices - 1 do
    if redis.call('EXISTS', KEYS[12] .. ':' .. k) == 0 then
      return {'unstaged'}
    end
  end
end

local drop = tonumber(ARGV[17])

-- A field as it will be.
local function after(name)
  for i = 18 + drop, #ARGV, 2 do
    if ARGV[i] == name then
      return ARGV[i + 1]
    end
  end
  for i = 18, 17 + drop do
    if ARGV[i] == name then
      return nil
    end
  end
  return redis.call('HGET', m, name)
end

-- A message is deleted: what has been handed over comes in by whoever holds it, or is told by whoever
-- takes that over (claim.lua); all the rest is cancelled (bridge/core/slice.h has the record). Of one
-- that is damaged nothing is out that could be found.
local cancelled
local function cancel()
  local sl, out, waits = redis.call('HGETALL', KEYS[6]), 0, {}
  for i = 1, #sl, 2 do
    local here = #sl[i + 1] < 34 and 0 or struct.unpack('>H', sl[i + 1], 13)
    out = out + here
    if here > 0 and string.sub(sl[i + 1], 19, 34) == string.rep('\0', 16) then
      waits[#waits + 1] = sl[i]
    end
  end
  local c = redis.call('HMGET', m, 'n', 'ok', 'dead')
  local ok, dead = tonumber(c[2] or '0'), tonumber(c[3] or '0')
  local n = tonumber(c[1] or ok + dead + out)
  cancelled = {out = out, can = n - ok - dead - out, waits = waits, at = now_ms()}
  if redis.call('HGET', m, 'st') ~= '2' then -- one that has ended was told to have completed
    redis.call('XADD', KEYS[13], '*', 't', 'cancelled', 'm', id, 'at', cancelled.at, 'c',
      table.concat({n, ok, dead, cancelled.can, out}, ' '))
  end
end

-- What is told comes first: where the outbox takes nothing, nothing is changed.
if ARGV[15] ~= '' then
  redis.call('XADD', KEYS[13], '*', 't', ARGV[15], 'm', id, 'at', now_ms(), 'b', '', 'r', after('last'), 'c',
    table.concat({after('fail') or '0', (tonumber(after('mr')) or 0) + 1, after('next') or '0'}, ' '), 'd', '')
end
if due_at == '-' and not creates and old[4] == '1' then
  cancel()
end

if slices then
  for k = slices, math.min(tonumber(old[3]) or 0, SLICES_MAX) - 1 do
    redis.call('UNLINK', KEYS[10] .. ':' .. k)
  end
  redis.call('DEL', KEYS[11])
  redis.call('HDEL', m, 'c0')
  if ARGV[11] == '1' then
    for k = 0, slices - 1 do
      redis.call('RENAME', KEYS[12] .. ':' .. k, KEYS[10] .. ':' .. k)
      redis.call('PERSIST', KEYS[10] .. ':' .. k)
    end
    if redis.call('EXISTS', KEYS[12] .. ':rep') == 1 then
      redis.call('RENAME', KEYS[12] .. ':rep', KEYS[11])
      redis.call('PERSIST', KEYS[11])
    end
  else
    if slices == 1 then
      if #ARGV[12] <= 64 then -- beside the rest it takes a quarter of the memory
        redis.call('HSET', m, 'c0', ARGV[12])
        if not creates then
          redis.call('UNLINK', KEYS[10] .. ':0')
        end
      else
        redis.call('SET', KEYS[10] .. ':0', ARGV[12])
      end
    end
    if ARGV[13] ~= '' then
      redis.call('SET', KEYS[11], ARGV[13])
    end
  end
end

local ver = (tonumber(old[1]) or 0) + 1
if drop > 0 then
  redis.call('HDEL', m, unpack(ARGV, 18, 17 + drop))
end
redis.call('HSET', m, 'ver', ver, unpack(ARGV, 18 + drop))
if cancelled then
  redis.call('HSET', m, 'out', cancelled.out, 'can', cancelled.can)
end
if string.sub(due_at, 1, 1) == '+' then
  due_at = string.format('%.0f', now_ms() + tonumber(due_at))
  redis.call('HSET', m, 'at', due_at)
end
if creates and ARGV[3] ~= '' then
  redis.call('HSET', m, 'dig', ARGV[3])
elseif ARGV[3] ~= '' then
  redis.call('SET', KEYS[8], ARGV[3], 'PX', ARGV[4])
end

-- Keys of another message of this shard.
local function of(name, other)
  return string.sub(m, 1, 7) .. name .. ':' .. other
end

if ARGV[16] ~= '' and redis.call('HGET', of('m', ARGV[16]), 'st') == '1' then
  old[5] = BEHIND -- until it has ended (schedule.lua)
  redis.call('HSET', m, 'pz', BEHIND, 'bh', ARGV[16])
end

-- What waits behind a message that is deleted, and of which nothing is out, need not any more; it
-- waits behind the one before where that has not ended.
local function let_next_go()
  local f = redis.call('HMGET', m, 'nx', 'bh')
  local behind = f[1] and of('m', f[1])
  if behind and redis.call('HGET', behind, 'pz') == BEHIND then
    if old[5] == BEHIND then
      redis.call('HSET', of('m', f[2]), 'nx', f[1])
      redis.call('HSET', behind, 'bh', f[2])
      return
    end
    local at = redis.call('HGET', behind, 'at')
    redis.call('HDEL', behind, 'pz')
    redis.call('ZADD', KEYS[3], at, f[1])
    redis.call('PUBLISH', ARGV[14], at)
  end
end

local function end_cancel()
  for _, k in ipairs(cancelled.waits) do
    redis.call('ZADD', KEYS[2], cancelled.at, k)
    redis.call('ZADD', KEYS[3], cancelled.at, id)
  end
  if cancelled.out == 0 then
    let_next_go()
  end
end

-- A callback may be in flight: whoever called has lost it by now. But while the call's request may be
-- out no other call begins; what it brings still counts where this was only a wish for a time (call.lua).
local function take_from_caller()
  redis.call('ZREM', KEYS[14], id)
  redis.call('ZREM', KEYS[5], id .. '/0')
  redis.call('HDEL', KEYS[6], '0')
  local c = redis.call('HMGET', m, 'rq', 'last')
  if not c[1] then
    return 0
  end
  if c[2] ~= 'CUSTOM_TIME' and c[2] ~= 'RESCHEDULE' then
    redis.call('HSET', m, 'rs', '1')
  end
  local till = string.sub(c[1], 1, -18)
  if tonumber(till) <= tonumber(now_ms()) then
    return 0
  end
  redis.call('HSET', m, 'pk', till)
  return tonumber(till)
end

-- What is new is neither planned nor under way.
local not_before = 0
if due_at ~= '' and not creates then
  redis.call('ZREM', KEYS[4], id)
  redis.call('DEL', KEYS[2])
  redis.call('HDEL', m, 'pk')
  if old[4] == '2' then
    not_before = take_from_caller()
  end
end
if due_at == '-' then
  redis.call('ZREM', KEYS[3], id)
  if cancelled then
    end_cancel()
  end
elseif due_at ~= '' then
  local count = slices or math.min(tonumber(old[3]) or 1, SLICES_MAX)
  if creates and count == 1 then
    count = 0 -- what is new and has one slice waits without a q
  end
  for first = 0, count - 1, 500 do
    local add = {}
    for k = first, math.min(first + 500, count) - 1 do
      add[#add + 1] = due_at
      add[#add + 1] = k
    end
    redis.call('ZADD', KEYS[2], unpack(add))
  end
  if not old[5] then -- paused: it is reachable once it goes on
    local at = string.format('%.0f', math.max(tonumber(due_at), not_before))
    redis.call('ZADD', KEYS[3], at, id)
    if redis.call('ZRANGE', KEYS[3], 0, 0)[1] == id then
      redis.call('PUBLISH', ARGV[14], at)
    end
  else
    redis.call('ZREM', KEYS[3], id)
  end
end
if ARGV[6] == '+' then
  redis.call('ZADD', KEYS[7], 0, ARGV[7])
elseif ARGV[6] == '-' then
  redis.call('ZREM', KEYS[7], ARGV[7])
elseif ARGV[6] == 'p+' then
  paged_add(KEYS[7], ARGV[7])
elseif ARGV[6] == 'c+' then
  paged_add(KEYS[15], ARGV[7])
elseif ARGV[6] == 'p-' then
  paged_remove(KEYS[7], ARGV[7])
  paged_remove(KEYS[15], ARGV[7])
end
if ARGV[8] == '-' then
  redis.call('ZREM', KEYS[9], id)
elseif ARGV[8] ~= '' then
  redis.call('ZADD', KEYS[9], ARGV[8], id)
end
return {'done', ver}
