-- Checks one message or callback and repairs what can be derived: every slice that has not ended
-- waits or is leased, never both; what waits is reachable; the counts are the sums of the slices'.
-- Bounded by its slices (2000).
--
-- ARGV: 1 id  2 "1": repair
-- Gives {word, how often, ...}; nothing where all is well.
local LEASE_MAX = 600000 -- ms; none is given for longer: the clock was set back since
local id, repair = ARGV[1], ARGV[2] == '1'
local m = key('m', id)
local f = redis.call('HMGET', m, 'st', 'kind', 'n', 'C', 'ok', 'dead', 'can', 'out', 'pz', 'pk',
  'bh', 'purge')
local st, n, slices = f[1], tonumber(f[3] or '0'), tonumber(f[4] or '0')
local found, order = {}, {}

local function say(word)
  if not found[word] then
    order[#order + 1] = word
  end
  found[word] = (found[word] or 0) + 1
  return repair
end

local function answer()
  local a = {}
  for _, word in ipairs(order) do
    a[#a + 1] = word
    a[#a + 1] = found[word]
  end
  return a
end

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

if not st then
  if (in_act or in_due) and say('pointer-to-nothing') then
    redis.call('ZREM', act, id)
    unreach()
  end
  return answer()
end

local function ended(k)
  local record = redis.call('HGET', key('sl', id), k)
  local h = record and read_head(record)
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
if st == '2' and f[2] == '1' and slices == math.ceil(n / SLICE) and not all_ended()
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
local ok, dead, out = 0, 0, 0

local function unlease(k)
  redis.call('ZREM', lease, id .. '/' .. k)
end

local function check(k)
  local record = redis.call('HGET', key('sl', id), k)
  local leased = redis.call('ZSCORE', lease, id .. '/' .. k)
  local h = record and read_head(record)
  local held = h and h.holder ~= NOBODY
  local late = redis.call('HGET', key('late', id), k)
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
    h.holder, held = NOBODY, false
    redis.call('HSET', key('sl', id), k, write_head(h))
  elseif leased and not held and say('lease-without-holder') then
    unlease(k)
    leased = nil
  elseif leased and tonumber(leased) > now + LEASE_MAX and say('lease-too-long') then
    redis.call('ZADD', lease, digits(now + LEASE_MAX), id .. '/' .. k) -- whoever lives renews it
  end
  if wanted and not leased and not waits[k] and say('slice-lost') then
    redis.call('ZADD', key('q', id), digits(now), k)
    waits[k] = now
  elseif waits[k] and (leased or not wanted) and say('slice-twice') then
    redis.call('ZREM', key('q', id), k)
    waits[k] = nil
  end
end

for k = 0, slices - 1 do
  check(tostring(k))
end

local function check_count(name, is, stored)
  if is ~= tonumber(stored or '0') and say('count-' .. name) then
    redis.call('HSET', m, name, is)
  end
end

if f[2] == '1' and redis.call('EXISTS', key('sl', id)) == 1 then
  check_count('ok', ok, f[5])
  check_count('dead', dead, f[6])
  if st == '8' then
    check_count('out', out, f[8])
    check_count('can', n - ok - dead - out, f[7])
  end
end
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
