-- Checks one message or callback and repairs what can be derived: every slice that has not ended
-- waits or is leased, never both; what waits is reachable; the counts are the sums of the slices'; what
-- is live stands in a list, where erasure and this find it.
-- What can't be derived is put aside (schedule.lua), and back once somebody has mended it. Bounded by its
-- slices, SLICES_MAX, whatever its fields say.
--
-- ARGV: 1 id  2 "1": repair
-- Gives {word, how often, how many of these are left so, ...}; nothing where all is well.
local SLICES_MAX = 2000 -- STORE_SLICES_MAX
local CHAIN_MAX = 100 -- CHAT_SEND_MAX
-- ms; none is given for longer: the clock was set back since. A call may take as long as its answer
-- (callbacks.handling_timeout).
local LEASE_MAX, CALL_MAX = 600000, 604800000
local id, repair = ARGV[1], ARGV[2] == '1'
local m = key('m', id)
local found, left, order = {}, {}, {}

local function note(word, is_left)
  if not found[word] then
    order[#order + 1] = word
  end
  found[word] = (found[word] or 0) + 1
  left[word] = (left[word] or 0) + (is_left and 1 or 0)
end

-- It is so, and can be repaired: now, if it is to be.
local function say(word)
  note(word, not repair)
  return repair
end

local function answer()
  local a = {}
  for _, word in ipairs(order) do
    a[#a + 1] = word
    a[#a + 1] = found[word]
    a[#a + 1] = left[word]
  end
  return a
end

-- Nobody can derive what it was. k: nil: all of it
local function lost(word, k, why)
  note(word, true)
  if repair then
    put_aside(id, k, why)
  end
  return answer()
end

local is = is_other('m', id, 'hash') or is_other('sl', id, 'hash') or is_other('late', id, 'hash')
if is then
  return lost('damaged', nil, is)
end
local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'C', 'ok', 'dead', 'can', 'out', 'pz', 'pk',
  'bh', 'purge', 'at', 'w', 'rd')
local st, n, slices = f[1], tonumber(f[3]), tonumber(f[4])

local in_act, in_due = redis.call('ZSCORE', act, id), redis.call('ZSCORE', due, id)
local in_dial = redis.call('ZSCORE', dial, id)
if in_due and in_dial and say('reachable-twice') then
  redis.call('ZREM', tonumber(in_due) > tonumber(in_dial) and due or dial, id)
end
in_due = in_due and in_dial and math.min(in_due, in_dial) or in_due or in_dial

local function unreach()
  redis.call('ZREM', due, id)
  redis.call('ZREM', dial, id)
end

local has_aside = redis.call('EXISTS', prefix .. 'aside') == 1

local function aside_of(of)
  return has_aside and redis.call('HGET', prefix .. 'aside', of)
end

if not st then
  local of = has_aside and redis.call('HSCAN', prefix .. 'aside', 0, 'MATCH', id .. '*', 'COUNT', 10000)[2] or {}
  if (in_act or in_due or #of > 0) and say('pointer-to-nothing') then
    redis.call('ZREM', act, id)
    unreach()
    for i = 1, #of, 2 do
      redis.call('HDEL', prefix .. 'aside', of[i])
    end
  end
  return answer()
end
for _, i in ipairs({5, 6, 7, 8, 10, 13, 14}) do
  n = (not f[i] or tonumber(f[i])) and n
end
if not n or n < 1 or n > SLICE * SLICES_MAX then
  return lost('damaged', nil, 'a number is none')
end
-- What is being taken away has fewer (purge.lua).
local should = math.ceil(n / SLICE)
if not slices or slices > should or (st == '1' and slices ~= should) then
  if not say('count-slices') then
    return answer() -- what follows from it is no finding
  end
  redis.call('HSET', m, 'C', should)
  slices = should
end
if is_other('q', id, 'zset') then
  if not say('queue-damaged') then
    return answer()
  end
  redis.call('DEL', key('q', id))
end

local function ended(k)
  local record = redis.call('HGET', key('sl', id), k)
  local h = record and #record >= 34 and read_head(record)
  return h and h.ok + h.dead >= size_of(k, n)
end

local function all_ended()
  for k = 0, slices - 1 do
    if not ended(k) then
      return false
    end
  end
  return true
end

-- Whoever closed it broke off. What is being taken away already has fewer slices (purge.lua).
if st == '2' and f[2] == '1' and slices == should and not all_ended()
  and say('closed-too-soon') then
  redis.call('HSET', m, 'st', '1')
  redis.call('HDEL', m, 'purge')
  redis.call('ZREM', gc, id)
  st = '1'
elseif st ~= '1' and not redis.call('ZSCORE', gc, id) and say('kept-for-ever') then
  redis.call('ZADD', gc, digits(tonumber(f[12]) or now), id)
end

local waits, at = {}, redis.call('ZRANGE', key('q', id), 0, -1, 'WITHSCORES')
for i = 1, #at, 2 do
  waits[at[i]] = at[i + 1]
end
if #at == 0 then
  waits['0'] = first_of(id)
end
local ok, dead, out, summed = 0, 0, 0, true

-- As slice_read of bridge/core/slice.c has it.
local function is_record(record, size)
  if #record < 34 then
    return false
  end
  local h, most = read_head(record), math.ceil(size / 8)
  local rest = #h.maps - h.pending_n - h.settled_n - h.dead_n
  return h.mark <= size and h.ok + h.dead <= size and h.pending_n <= most and h.settled_n <= most
    and h.dead_n <= most and (rest == 0 or (rest > 0 and rest % 10 == 1))
end

-- Why a slice has to be left alone, or nil.
local function trouble_of(k, record)
  if record and not is_record(record, size_of(tonumber(k), n)) then
    return 'its record is none'
  end
  if aside_of(id) or aside_of(id .. '/' .. k) then
    return is_other('c', id .. ':' .. k, 'string') or is_other('o', id .. ':' .. k, 'string') or nil
  end
end

local function unlease(k)
  redis.call('ZREM', lease, id .. '/' .. k)
end

local function check(k)
  local record = redis.call('HGET', key('sl', id), k)
  local trouble = trouble_of(k, record)
  if trouble then
    summed, waits[k] = false, nil
    if aside_of(id) or aside_of(id .. '/' .. k) then
      note('slice-damaged', true)
    else
      lost('slice-damaged', k, trouble)
    end
    return
  elseif aside_of(id .. '/' .. k) and say('aside') then -- it has been mended
    redis.call('HDEL', prefix .. 'aside', id .. '/' .. k)
  end
  local leased = redis.call('ZSCORE', lease, id .. '/' .. k)
  local h = record and read_head(record)
  local held = h and h.holder ~= NOBODY
  local late = redis.call('HGET', key('late', id), k)
  local most = h and h.mark > 0 and f[2] == '2' and CALL_MAX or LEASE_MAX
  if h then
    ok, dead, out = ok + h.ok, dead + h.dead, out + h.out
  end
  if h and late then
    local pending, gone, failed = pending_map(h), dead_map(h), 0
    for i = 1, #late do
      failed = failed + pop_count(bit.band(string.byte(late, i),
        bit.bnot(string.byte(pending, i) or 0), bit.bnot(string.byte(gone, i) or 0)))
    end
    ok, dead = ok - failed, dead + failed
  end
  -- One whose pass nobody ended waits for whoever will, though nothing of it is left.
  local over = h and h.flags == 0 and h.ok + h.dead >= size_of(tonumber(k), n)
  local wanted = not over and (st == '1' or (st == '8' and h and h.out > 0))
  if held and not leased and say('held-without-lease') then
    h.holder = NOBODY
    redis.call('HSET', key('sl', id), k, write_head(h))
  elseif leased and not held and say('lease-without-holder') then
    unlease(k)
    leased = nil
  elseif leased and tonumber(leased) > now + most and say('lease-too-long') then
    redis.call('ZADD', lease, digits(now + most), id .. '/' .. k) -- whoever lives renews it
  end
  if wanted and not leased and not waits[k] and say('slice-lost') then
    local later = math.max(now, tonumber(f[13] or '0')) -- its time is lost: no two attempts too near
    if h and h.flags == 0 and h.attempt > 0 then
      later = now + 1000 * (tonumber(f[15]) or 0)
    end
    redis.call('ZADD', key('q', id), digits(later), k)
    waits[k] = later
  elseif waits[k] and (leased or not wanted) and say('slice-twice') then
    redis.call('ZREM', key('q', id), k)
    waits[k] = nil
  end
end

for k = 0, slices - 1 do
  check(tostring(k))
end

local function check_count(name, sum, stored)
  if sum ~= tonumber(stored or '0') and say('count-' .. name) then
    redis.call('HSET', m, name, sum)
  end
end

if aside_of(id) and summed and say('aside') then
  redis.call('HDEL', prefix .. 'aside', id)
end
if f[2] == '1' and summed and redis.call('EXISTS', key('sl', id)) == 1 then
  check_count('ok', ok, f[5])
  check_count('dead', dead, f[6])
  if st == '8' then
    check_count('out', out, f[8])
    check_count('can', n - ok - dead - out, f[7])
  end
end
-- A chat's messages had no list once, and those behind the first are pointed to by nothing else.
local function list_chat()
  local of = id
  for _ = 1, CHAIN_MAX do
    local c = redis.call('HMGET', key('m', of), 'st', 'kind', 'created', 'nx')
    local member = string.format('%016.0f:%s', tonumber(c[3]) or 0, of)
    if c[1] ~= '1' or c[2] ~= '1' or paged_has(prefix .. 'messages', member)
      or paged_has(prefix .. 'chatmessages', member) then
      return
    end
    if say('unlisted') then
      paged_add(prefix .. 'chatmessages', member)
    end
    of = c[4]
    if not of then
      return
    end
  end
end

list_chat()

if f[9] == BEHIND and st == '1' then
  local b = redis.call('HMGET', key('m', f[11] or ''), 'st', 'out')
  local over = not b[1] or b[1] == '2' or (b[1] == '8' and tonumber(b[2] or '0') == 0)
  if over and say('waits-for-nothing') then
    release(id)
    return answer()
  end
end
local reachable, first = next(waits) ~= nil and not (f[9] and st == '1'), math.huge
for _, score in pairs(waits) do
  first = math.min(first, tonumber(score))
end
first = math.max(first, tonumber(f[10] or '0'))
if reachable and not in_act and not in_due and say('unreachable') then
  point(id)
elseif reachable and not in_act and in_due and tonumber(in_due) > first and say('reachable-late') then
  point(id)
elseif in_act and in_due and say('reachable-twice') then
  unreach()
elseif in_due and next(waits) == nil and say('reachable-but-over') then
  unreach() -- in act it would leave at the next claim
end
return answer()
