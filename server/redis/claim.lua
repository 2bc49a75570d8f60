-- Leases slices that are due: fairly among messages (start-time fair queueing over act), bounded by
-- what is asked for, 64 leases that ran out, 128 messages that have become due, and 64 that can't be
-- sent from. Tells when the shard is next due. What has become due goes into act only where this
-- claim leaves something of it, which of a message of one slice it seldom does.
--
-- ARGV: 1 slices  2 destinations  3 quantum  4 lease, ms  5 head start  6 the subType that has none
--       7 owner, 8 bytes  8 entries that the outbox may hold  9 "1": calls to be begun, too
--       10 what is due so soon, ms  11 source, until ms, ...
-- Gives {now, next, outbox is full, {{id, fields ...} ...}, {{message, slice, doubt, ends, due,
-- flags, record, addresses} ...}}; message counts from 0; flags: 1 cancelled, 2 timed out.
local REAP, PROMOTE, SKIP = 64, 128, 64
local FIELDS = {'st', 'kind', 'n', 'C', 'mr', 'w', 'pz', 'src', 'sub', 'ct', 'body', 'rd', 'at',
  'created', 'last', 'fail', 'next', 'lastcall', 'calls', 'cust', 'queue', 'oqn', 'oqname', 'extra',
  'gw', 'notes', 'pk', 'c0', 'vf'} -- the last two are not told
local ST, KIND, COUNT, SLICES, WEIGHT, PAUSED, SOURCE, SUBTYPE, AT = 1, 2, 3, 4, 6, 7, 8, 9, 13
local NOT_BEFORE, LIST, PLACE = #FIELDS - 2, #FIELDS - 1, #FIELDS
local OPEN = 1

local want, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local quantum, lease_ms, head_start = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local calls, ahead = ARGV[9] == '1', tonumber(ARGV[10])
local soon, closed = now + ahead, {}
for i = 11, #ARGV, 2 do
  local till = tonumber(ARGV[i + 1])
  closed[ARGV[i]] = till > soon and till or nil
end

local function first_score(index)
  return tonumber(redis.call('ZRANGE', index, '0', '0', 'WITHSCORES')[2])
end

-- ---- leases that ran out ----

local first_lease, over = first_score(lease), {}
if first_lease and first_lease <= now then
  over = redis.call('ZRANGE', lease, '-inf', now, 'BYSCORE', 'LIMIT', 0, REAP)
end
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
if #over > 0 then
  first_lease = first_score(lease)
end

-- ---- messages that have become due ----

local full = redis.call('XLEN', outbox) >= tonumber(ARGV[8])
if full then
  want = 0
end
local known = redis.call('HMGET', prefix .. 'sh', 'vt', 'f')
local vt, fence = tonumber(known[1] or '0'), tonumber(known[2] or '0')
local indexes = calls and {due, dial} or {due}
local fresh = {}   -- {id =, tag =, m = its fields}: due, and not in act
local pointed = {} -- id -> the index that it leaves at the end

local function promote(index, id)
  local m = redis.call('HMGET', key('m', id), unpack(FIELDS))
  local till = m[ST] == '1' and closed[m[SOURCE] or '']
  if till then -- it rests
    redis.call('HSET', key('m', id), 'pk', digits(till))
    point(id)
    return false
  end
  fresh[#fresh + 1] = {id = id, tag = math.max(vt, tonumber(m[PLACE] or '0')), m = m}
  pointed[id] = index
  return true
end

local looked = 0
for _, index in ipairs(indexes) do
  local behind, more = 0, true -- those that rest are no longer among the first
  while more and looked < PROMOTE and #fresh < want do
    local most = math.min(want - #fresh, PROMOTE - looked)
    local ready = redis.call('ZRANGE', index, '-inf', soon, 'BYSCORE', 'LIMIT', behind, most)
    for _, id in ipairs(ready) do
      behind = behind + (promote(index, id) and 1 or 0)
    end
    looked, more = looked + #ready, #ready == most
  end
end
table.sort(fresh, function(a, b)
  return a.tag < b.tag or (a.tag == b.tag and a.id < b.id)
end)

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

local messages, leases, leased, ends = {}, {}, {}, now + lease_ms
local ends_text = digits(ends)

local function list_of(id, m, k)
  if m[KIND] ~= '1' then
    return ''
  end
  return m[SLICES] == '1' and m[LIST] or redis.call('GET', key('c', id) .. ':' .. k)
end

-- record: false where it is new
local function take(id, m, at, k, due_ms, record)
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
  leased[#leased + 1] = ends_text
  leased[#leased + 1] = id .. '/' .. k
  leases[#leases + 1] = {at, tonumber(k), doubt, ends, due_ms, flags, record, list_of(id, m, k) or ''}
  room = room - (size - h.ok - h.dead)
end

-- ---- the pick ----

local head, next_fresh = nil, 1 -- of act: nil: not known, false: there is none

local function first_pick()
  if head == nil then
    local first = redis.call('ZRANGE', act, '0', '0', 'WITHSCORES')
    head = first[1] and {id = first[1], tag = tonumber(first[2])} or false
  end
  local one = fresh[next_fresh]
  if one and (not head or one.tag < head.tag or (one.tag == head.tag and one.id < head.id)) then
    next_fresh = next_fresh + 1
    return one
  end
  return head
end

local function out_of_act(one)
  if one == head then
    redis.call('ZREM', act, one.id)
    head = nil
  end
end

-- pk: not before; vf: its place in the queue, so that nobody gains by going and coming.
local function leave(one, tag, park_ms)
  out_of_act(one)
  if first_of(one.id) then
    redis.call('HSET', key('m', one.id), 'vf', string.format('%.17g', tag), 'pk', digits(park_ms))
    pointed[one.id] = nil
    point(one.id)
  end
end

local function back_to_act(one, tag)
  redis.call('ZADD', act, string.format('%.17g', tag), one.id)
  head = nil
end

-- What of it is due, most slices of it: {slice, due ms, ...}, and whether none was ever claimed.
local function due_of(one, m, most)
  local q = key('q', one.id)
  if m[SLICES] == '1' and redis.call('EXISTS', q, key('sl', one.id)) == 0 then -- it waits without a q
    return m[ST] == '1' and tonumber(m[AT]) <= soon and {'0', m[AT]} or {}, true
  end
  return redis.call('ZRANGE', q, '-inf', soon, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES'), false
end

local places, picks = {}, 0
while #leases < want and room > 0 and picks < want + SKIP do
  picks = picks + 1
  local one = first_pick()
  if not one then
    break
  end
  local id, tag, at = one.id, one.tag, places[one.id]
  local m = at and messages[at + 1].fields or one.m or redis.call('HMGET', key('m', id), unpack(FIELDS))
  if m[ST] ~= '1' and m[ST] ~= '8' then
    out_of_act(one)
  elseif m[ST] == '1' and m[PAUSED] then
    leave(one, tag, 0)
  elseif m[ST] == '1' and m[KIND] == '2' and not calls and not is_begun(id) then
    leave(one, tag, tonumber(m[NOT_BEFORE] or '0'))
  elseif m[ST] == '1' and closed[m[SOURCE] or ''] then
    leave(one, tag, closed[m[SOURCE]])
  elseif m[NOT_BEFORE] and tonumber(m[NOT_BEFORE]) > soon then -- one who looks further ahead had it
    leave(one, tag, tonumber(m[NOT_BEFORE]))
  else
    local most = math.min(quantum, want - #leases)
    local found, new = due_of(one, m, most)
    local taken = #found / 2
    if taken > 0 and not at then
      at = #messages
      places[id] = at
      messages[at + 1] = {id = id, fields = m}
    end
    local used = 0
    for i = 1, #found, 2 do
      if room > 0 then
        local record = not new and redis.call('HGET', key('sl', id), found[i])
        if not new then
          redis.call('ZREM', key('q', id), found[i])
        end
        take(id, m, at, found[i], tonumber(found[i + 1]), record)
        used = used + 1
      end
    end
    vt = math.max(vt, tag)
    tag = tag + used / tonumber(m[WEIGHT] or '1')
    if used == 1 and m[SLICES] == '1' then
      out_of_act(one) -- that was all of it
    elseif taken < most then
      leave(one, tag, 0)
    else
      back_to_act(one, tag)
    end
  end
end

-- ---- what is written once for all of them ----

local gone, left = {[due] = {}, [dial] = {}}, {}
for id, index in pairs(pointed) do
  table.insert(gone[index], id)
end
for _, index in ipairs(indexes) do
  if #gone[index] > 0 then
    redis.call('ZREM', index, unpack(gone[index]))
  end
end
for i = next_fresh, #fresh do
  left[#left + 1] = string.format('%.17g', fresh[i].tag)
  left[#left + 1] = fresh[i].id
end
if #left > 0 then
  redis.call('ZADD', act, unpack(left))
  head = nil
end
if #leases > 0 then
  redis.call('ZADD', lease, unpack(leased))
  redis.call('HSET', prefix .. 'sh', 'vt', string.format('%.17g', vt), 'f', digits(fence))
end

-- ---- the answer ----

local next_ms = 0
if head == nil then
  head = redis.call('EXISTS', act) == 1
end
if #over == REAP or head then
  next_ms = now
else
  local function earlier(ms)
    if ms and (next_ms == 0 or math.max(ms, now) < next_ms) then
      next_ms = math.max(ms, now)
    end
  end
  for _, index in ipairs(indexes) do
    local first = first_score(index)
    earlier(first and first - ahead)
  end
  earlier(first_lease)
  earlier(#leases > 0 and ends or nil)
end
local shown = {}
for i, message in ipairs(messages) do
  shown[i] = message.fields
  shown[i][PLACE], shown[i][LIST] = nil, nil
  table.insert(shown[i], 1, message.id)
end
return {now, next_ms, full and 1 or 0, shown, leases}
