-- Leases slices that are due: fairly among messages (start-time fair queueing over act), bounded by
-- what is asked for, 64 leases that ran out, 128 messages that have become due, and 64 that can't be
-- sent from. Tells when the shard is next due.
--
-- ARGV: 1 slices  2 destinations  3 quantum  4 lease, ms  5 head start  6 the subType that has none
--       7 owner, 8 bytes  8 entries that the outbox may hold  9 "1": calls to be begun, too
--       10 what is due so soon, ms  11 source, until ms, ...
-- Gives {now, next, outbox is full, {{id, fields ...} ...}, {{message, slice, doubt, ends, due,
-- flags, record, addresses} ...}}; message counts from 0; flags: 1 cancelled, 2 timed out.
local REAP, PROMOTE, SKIP = 64, 128, 64
local FIELDS = {'st', 'kind', 'n', 'C', 'mr', 'w', 'pz', 'src', 'sub', 'ct', 'body', 'rd', 'at',
  'created', 'last', 'fail', 'next', 'lastcall', 'calls', 'cust', 'queue', 'oqn', 'oqname', 'extra',
  'gw', 'notes', 'pk'}
local ST, KIND, COUNT, SLICES, WEIGHT, PAUSED, SOURCE, SUBTYPE = 1, 2, 3, 4, 6, 7, 8, 9
local NOT_BEFORE = #FIELDS
local OPEN = 1

local want, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local quantum, lease_ms, head_start = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local calls, ahead = ARGV[9] == '1', tonumber(ARGV[10])
local soon, closed = now + ahead, {}
for i = 11, #ARGV, 2 do
  local till = tonumber(ARGV[i + 1])
  closed[ARGV[i]] = till > soon and till or nil
end

-- ---- leases that ran out ----

local over = redis.call('ZRANGE', lease, '-inf', now, 'BYSCORE', 'LIMIT', 0, REAP)
for _, member in ipairs(over) do
  local id, k = string.match(member, '^(%x+)/(%d+)$')
  local record = id and redis.call('HGET', key('sl', id), k)
  local st = id and redis.call('HGET', key('m', id), 'st')
  if record and st then
    local h = read_head(record)
    h.crashes = math.min(h.crashes + 1, 255)
    if st == '1' then -- what is known to have arrived is not sent again
      local heard = redis.call('HMGET', key('late', id), 'd' .. k, 'r' .. k)
      hear_delivered(id, k, h, heard[1] or '', heard[2] or '')
    end
    wait_again(id, k, h, st, now)
  else
    redis.call('ZREM', lease, member)
  end
end

-- ---- messages that have become due ----

local full = redis.call('XLEN', outbox) >= tonumber(ARGV[8])
if full then
  want = 0
end
local known = redis.call('HMGET', prefix .. 'sh', 'vt', 'f')
local vt, fence = tonumber(known[1] or '0'), tonumber(known[2] or '0')
local indexes = calls and {due, dial} or {due}
for _, index in ipairs(indexes) do
  local ready = want > 0 and redis.call('ZRANGE', index, '-inf', soon, 'BYSCORE', 'LIMIT', 0, PROMOTE)
    or {}
  local add, gone = {}, {}
  for _, id in ipairs(ready) do
    local f = redis.call('HMGET', key('m', id), 'vf', 'st', 'src')
    local till = f[2] == '1' and closed[f[3] or '']
    if till then -- it rests where it is
      redis.call('HSET', key('m', id), 'pk', digits(till))
      point(id)
    else
      gone[#gone + 1] = id
      add[#add + 1] = string.format('%.17g', math.max(vt, tonumber(f[1] or '0')))
      add[#add + 1] = id
    end
  end
  if #gone > 0 then
    redis.call('ZREM', index, unpack(gone))
    redis.call('ZADD', act, unpack(add))
  end
end

-- ---- leaving act ----

-- pk: not before; vf: its place in the queue, so that nobody gains by going and coming.
local function leave(id, tag, park_ms)
  redis.call('ZREM', act, id)
  if first_of(id) then
    redis.call('HSET', key('m', id), 'vf', string.format('%.17g', tag), 'pk', digits(park_ms))
    point(id)
  end
end

-- ---- one slice ----

local function whole_map(size)
  local map = string.rep('\255', math.floor(size / 8))
  if size % 8 > 0 then
    map = map .. string.char(256 - bit.rshift(256, size % 8))
  end
  return map
end

local function count_out(h)
  local pending, settled, n = pending_map(h), settled_map(h), 0
  for i = 0, math.min(#pending, math.ceil(h.mark / 8)) - 1 do
    local byte = bit.band(string.byte(pending, i + 1), bit.bnot(string.byte(settled, i + 1) or 0))
    if h.mark - 8 * i < 8 then
      byte = bit.band(byte, 256 - bit.rshift(256, h.mark - 8 * i))
    end
    n = n + pop_count(byte)
  end
  return n
end

local messages, leases, ends = {}, {}, now + lease_ms

local function take(id, m, at, k, due_ms)
  local record = redis.call('HGET', key('sl', id), k)
  local size = size_of(tonumber(k), tonumber(m[COUNT]))
  local flags, h = 0, nil
  if record then
    h = read_head(record)
  else
    local map = whole_map(size)
    h = {attempt = 0, crashes = 0, flags = 0, pending_n = #map, settled_n = 0, dead_n = 0, mark = 0,
      ok = 0, dead = 0, out = 0, seq = 0, maps = map}
  end
  local doubt = h.mark
  if h.flags == 0 then
    h.attempt, h.flags = h.attempt + 1, OPEN
  end
  if m[ST] == '8' then
    flags = 1
  elseif m[KIND] == '2' then
    flags = doubt > 0 and 2 or 0
  elseif head_start > h.mark and string.lower(m[SUBTYPE] or '') ~= ARGV[6] then
    h.mark = math.min(head_start, size)
    h.out = h.attempt == 1 and not record and h.mark or count_out(h)
  end
  fence = math.max(fence + 1, now_us)
  h.holder = struct.pack('>d', fence) .. ARGV[7]
  record = write_head(h)
  redis.call('HSET', key('sl', id), k, record)
  redis.call('ZADD', lease, ends, id .. '/' .. k)
  leases[#leases + 1] = {at, tonumber(k), doubt, ends, due_ms, flags, record,
    m[KIND] == '1' and (m[SLICES] == '1' and redis.call('HGET', key('m', id), 'c0')
      or redis.call('GET', key('c', id) .. ':' .. k)) or ''}
  room = room - (size - h.ok - h.dead)
end

-- ---- the pick ----

local places, picks = {}, 0
while #leases < want and room > 0 and picks < want + SKIP do
  picks = picks + 1
  local head = redis.call('ZRANGE', act, 0, 0, 'WITHSCORES')
  local id, tag = head[1], tonumber(head[2])
  if not id then
    break
  end
  local at = places[id]
  local m = at and messages[at + 1] and messages[at + 1].fields
    or redis.call('HMGET', key('m', id), unpack(FIELDS))
  if m[ST] ~= '1' and m[ST] ~= '8' then
    redis.call('ZREM', act, id)
  elseif m[ST] == '1' and m[PAUSED] then
    leave(id, tag, 0)
  elseif m[ST] == '1' and m[KIND] == '2' and not calls and not is_begun(id) then
    leave(id, tag, tonumber(m[NOT_BEFORE] or '0'))
  elseif m[ST] == '1' and closed[m[SOURCE] or ''] then
    leave(id, tag, closed[m[SOURCE]])
  elseif m[NOT_BEFORE] and tonumber(m[NOT_BEFORE]) > soon then -- one who looks further ahead had it
    leave(id, tag, tonumber(m[NOT_BEFORE]))
  else
    local most = math.min(quantum, want - #leases)
    local found = redis.call('ZRANGE', key('q', id), '-inf', soon, 'BYSCORE', 'LIMIT', 0, most,
      'WITHSCORES')
    if #found == 0 and m[SLICES] == '1' then
      local first = first_of(id)
      found = first and tonumber(first) <= soon and {'0', first} or found
    end
    local taken = #found / 2
    if taken > 0 and not at then
      at = #messages
      places[id] = at
      messages[at + 1] = {id = id, fields = m}
    end
    local used = 0
    for i = 1, #found, 2 do
      if room > 0 then
        redis.call('ZREM', key('q', id), found[i])
        take(id, m, at, found[i], tonumber(found[i + 1]))
        used = used + 1
      end
    end
    vt = math.max(vt, tag)
    tag = tag + used / tonumber(m[WEIGHT] or '1')
    if used == 1 and m[SLICES] == '1' then
      redis.call('ZREM', act, id) -- that was all of it
    elseif taken < most then
      leave(id, tag, 0)
    else
      redis.call('ZADD', act, string.format('%.17g', tag), id)
    end
  end
end
if #leases > 0 then
  redis.call('HSET', prefix .. 'sh', 'vt', string.format('%.17g', vt), 'f', digits(fence))
end

-- ---- the answer ----

local next_ms = 0
if #over == REAP or redis.call('EXISTS', act) == 1 then
  next_ms = now
else
  indexes[#indexes + 1] = lease
  for _, index in ipairs(indexes) do
    local first = tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2])
    first = first and math.max(index == lease and first or first - ahead, now)
    if first and (next_ms == 0 or first < next_ms) then
      next_ms = first
    end
  end
end
local shown = {}
for i, message in ipairs(messages) do
  shown[i] = message.fields
  table.insert(shown[i], 1, message.id)
end
return {now, next_ms, full and 1 or 0, shown, leases}
