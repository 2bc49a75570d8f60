-- Leases slices that are due, of each shard by itself: fairly among messages (start-time fair queueing
-- over act), bounded by what is asked for, 64 leases that ran out, 128 messages that have become due, and
-- 64 that can't be sent from. Tells when the shard is next due. What has become due goes into act only
-- where this claim leaves something of it, which of a message of one slice it seldom does.
--
-- KEYS: a shard each
-- ARGV: 1 slices  2 quantum  3 lease, ms  4 head start  5 the subType that has none  6 owner, 8 bytes
--       7 entries that the outbox may hold  8 "1": calls to be begun, too  9 what is due so soon, ms
--       10 of every other source, or ''  11 so many closed sources, then each of them, then of each shard:
--       destinations. A closed source is "<until, ms> <more> <room> <1: alone, 2: unknown, 3: own> <rate> <head
--       start> <source, as in_small has it>" (struct schedule_closed of bridge/ports/schedule.h); until 0: it is open
-- Gives of each shard {now, next, outbox is full, {{id, fields ...} ...}, {{message, slice, doubt, ends,
-- due, flags, record, addresses} ...}, {{id, slice or -1, why} ...}}; message counts from 0; flags: 1 cancelled,
-- 2 timed out; the last are damaged and were put aside, or without an id: why there is no more. Or an
-- error's text: then nothing was taken.
local REAP, PROMOTE, SKIP = 64, 128, 64
-- Of what others may send: at least so long, ms, or that part of its lateness; at most where it was begun.
local REST, RESTS, REST_BEGUN = 250, 4, 5000
-- What finds no room at a rate looks again in line, so far apart as if that many shards shared it; at most, ms.
local LINE, LINE_MS = 4, 600000
local LOOKS, LOOK = 8, 1024 -- at leases, for those of one message
local FIELDS = {'st', 'kind', 'n', 'C', 'mr', 'w', 'pz', 'src', 'sub', 'ct', 'body', 'rd', 'at',
  'created', 'pk', 'c0', 'vf'} -- the last two are not told
local OF_CALL = {'last', 'fail', 'next', 'lastcall', 'calls', 'cust', 'queue', 'oqn', 'oqname', 'extra',
  'gw', 'notes', 'idle', 'wishes', 'anew'} -- of a callback these follow
local ST, KIND, COUNT, SLICES, WEIGHT, PAUSED, SOURCE, SUBTYPE, AT, CREATED = 1, 2, 3, 4, 6, 7, 8, 9, 13, 14
local NOT_BEFORE, LIST, PLACE = #FIELDS - 2, #FIELDS - 1, #FIELDS
local OPEN = 1
local LEFT = -1 -- no time: it stays where it is

local want, quantum, lease_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local head_start, ahead, calls = tonumber(ARGV[4]), tonumber(ARGV[9]), ARGV[8] == '1'
local soon, ends, closed = now + ahead, now + lease_ms, {}
local soon_text, ends_text, rooms = digits(soon), digits(ends), 11 + ARGV[11]

-- Its source, and what may be taken from it; false: all.
local function closed_of(text)
  local till, more, room, flag, rate, head, source =
    string.match(text, '^(%d+) (%d+) (%d+) (%d) (%d+) (%d+) (.*)$')
  return source, tonumber(till) > soon and {till = tonumber(till), more = tonumber(more),
    room = tonumber(room), alone = flag == '1', unknown = flag == '2', own = flag == '3',
    rate = tonumber(rate), heads = tonumber(head)}
end

for i = 12, rooms do
  local source, rule = closed_of(ARGV[i])
  closed[source] = rule
end

-- Capital letters beyond ASCII, as utf8_lower has them (bridge/core/utf8.c): from, to, how much further
-- the small one is, and where the two alternate: which of them are capitals.
local CAPITALS = {{0xc0, 0xd6, 32}, {0xd8, 0xde, 32}, {0x100, 0x12f, 1, 0}, {0x132, 0x137, 1, 0},
  {0x139, 0x148, 1, 1}, {0x14a, 0x177, 1, 0}, {0x178, 0x178, -121}, {0x179, 0x17e, 1, 1},
  {0x386, 0x386, 38}, {0x388, 0x38a, 37}, {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63}, {0x391, 0x3ab, 32},
  {0x400, 0x40f, 80}, {0x410, 0x42f, 32}, {0x460, 0x481, 1, 0}, {0x48a, 0x4bf, 1, 0},
  {0x4c1, 0x4ce, 1, 1}, {0x4d0, 0x52f, 1, 0}}

local function small_letter(two) -- all of them have two bytes
  local code = 64 * (string.byte(two) - 192) + string.byte(two, 2) - 128
  for _, c in ipairs(CAPITALS) do
    if code >= c[1] and code <= c[2] and (not c[4] or code % 2 == c[4]) then
      code = code + c[3]
      return string.char(192 + math.floor(code / 64), 128 + code % 64)
    end
  end
end

-- A source in the spelling that stands for all of its own (contract 13: surrounding blanks and case say
-- nothing).
local smalls = {}
local function in_small(source)
  if not smalls[source] then
    local text = string.lower(string.match(source, '^[ \t]*(.-)[ \t]*$'))
    smalls[source] = string.gsub(text, '[\195-\212][\128-\191]', small_letter)
  end
  return smalls[source]
end

-- Of a message: what may be taken from its source, nil or false: all.
local function rule_of(m)
  local source = m[ST] == '1' and m[KIND] == '1' and m[SOURCE] and in_small(m[SOURCE])
  if source and closed[source] == nil and ARGV[10] ~= '' then
    local _, rule = closed_of(ARGV[10])
    closed[source] = rule
  end
  return source and closed[source]
end

local function first_score(index)
  return tonumber(redis.call('ZRANGE', index, '0', '0', 'WITHSCORES')[2])
end

local function exact(n) -- of a tag
  return string.format('%.17g', n)
end

-- A shard's claim, c: want, room, vt, fence; over, first_lease; fresh, from next_fresh on: {id =, tag =,
-- m = its fields}, due and not in act; head of act, nil: not known, false: there is none; pointed: id ->
-- the index that it leaves at the end; messages, leases; leased: what lease gets; took: id -> slices;
-- lines: source -> when the last one in line looks again; passed: so many, the first of act, are left as they are;
-- left: whether any is, there or in another index.

-- ---- leases that ran out ----

local function reap_one(id, k)
  local record = redis.call('HGET', key('sl', id), k)
  local st = redis.call('HGET', key('m', id), 'st')
  if not record or not st then
    redis.call('ZREM', lease, id .. '/' .. k)
    return
  end
  local h = read_head(record)
  h.crashes = math.min(h.crashes + 1, 255)
  if st == '1' then -- what is known to have arrived is not sent again
    local maps = redis.call('HMGET', key('late', id), 'd' .. k, 'r' .. k, k)
    local heard = hear_delivered(id, k, h, maps[1] or '', maps[2] or '', maps[3])
    if heard then
      tell_settled(id, k, heard.event)
      write_heard(id, k, heard)
    end
  end
  wait_again(id, k, h, st, now)
end

local function reap(c)
  c.first_lease, c.over = first_score(lease), {}
  if not c.first_lease or c.first_lease > now then
    return
  end
  c.over = redis.call('ZRANGE', lease, '-inf', now, 'BYSCORE', 'LIMIT', 0, REAP)
  for _, member in ipairs(c.over) do
    local id, k = string.match(member, '^(%x+)/(%d+)$')
    if id then
      do_to(id, k, reap_one, id, k)
    else
      redis.call('ZREM', lease, member)
    end
  end
  c.first_lease = first_score(lease)
end

-- ---- sources that are closed, or nearly ----

local function leased_by(c, id)
  local mine, others, cursor = c.took[id] or 0, 0, '0'
  for _ = 1, LOOKS do
    local found = redis.call('ZSCAN', lease, cursor, 'MATCH', id .. '/*', 'COUNT', LOOK)
    for i = 1, #found[2], 2 do
      local record = redis.call('HGET', key('sl', id), string.match(found[2][i], '%d+$')) or ''
      if string.sub(record, 27, 34) == ARGV[6] then
        mine = mine + 1
      elseif tonumber(found[2][i + 1]) > now + lease_ms / 2 then -- its holder lives, and is no further behind
        others = others + 1
      end
    end
    cursor = found[1]
    if cursor == '0' then
      break
    end
  end
  return mine, others
end

-- Some of it was sent, or tried: there is, or was, a process that knows its source.
local function has_gone(id)
  local record = redis.call('HGET', key('sl', id), '0')
  local h = record and read_head(record)
  return h and (h.flags == 0 or h.mark > 0 or h.attempt > 1)
end

-- Since when it could be sent: a retry not since the message's time.
local function due_since(id, m)
  local again = m[SLICES] == '1' and redis.call('ZRANGE', key('q', id), 0, 0, 'WITHSCORES')[2]
  return math.max(tonumber(again or m[AT] or 0), tonumber(m[CREATED] or 0))
end

-- Until when one rests that finds no room: behind those that did so before, where each is a message of one
-- slice, of which there may be any number. Of one of several slices the next may be needed at any time.
local function in_line(c, from, m)
  if from.rate == 0 or m[SLICES] ~= '1' then
    return from.till
  end
  local source = in_small(m[SOURCE])
  local last = c.lines[source] or tonumber(redis.call('GET', key('line', source)) or '0')
  last = math.min(math.max(last, from.till) + LINE * 1000 / from.rate, math.max(from.till, now + LINE_MS))
  c.lines[source] = last
  return last
end

-- Until when one rests that this process can't send; others find it in between. LEFT: not yet, they have had
-- no time for that, or are at it.
local function for_others(id, m, from, others)
  local since = due_since(id, m)
  if from.own and (others > 0 or now < math.max(since, tonumber(m[NOT_BEFORE] or 0)) + REST) then
    return LEFT
  end
  local rest = math.max(REST, math.floor((now - since) / RESTS))
  -- That others may send it is known for some seconds; the next slices of what has gone wait for that.
  if rest > REST_BEGUN and (from.own or m[SLICES] ~= '1' and has_gone(id)) then
    rest = REST_BEGUN
  end
  return math.min(from.till, now + rest)
end

-- Until when nothing of a message is taken from its source, LEFT, or nil.
local function rests(c, id, m)
  local from = rule_of(m)
  if not from then
    return nil
  end
  if from.unknown then
    return for_others(id, m, from, 0)
  end
  if from.room == 0 and from.more == 0 and not from.own then
    return in_line(c, from, m)
  end
  local mine, others = 0, 0
  if m[SLICES] ~= '1' then
    mine, others = leased_by(c, id)
  end
  if (others > 0 and from.alone) or (mine > 0 and from.more <= 0) or
    (mine == 0 and 2 * size_of(0, tonumber(m[COUNT])) > from.room) then
    return from.own and for_others(id, m, from, others) or in_line(c, from, m)
  end
end

-- So many destinations of it are taken.
local function count_taken(c, id, m, size)
  local from = rule_of(m)
  c.took[id] = (c.took[id] or 0) + 1
  if from then
    from.more, from.room = math.max(from.more - size, 0), math.max(from.room - size, 0)
  end
end

-- ---- messages that have become due ----

local function read(id)
  return redis.call('HMGET', key('m', id), unpack(FIELDS))
end

local function promote(c, index, id)
  local m = read(id)
  local till = rests(c, id, m)
  if till == LEFT then
    c.left = true
    return true
  elseif till then
    redis.call('HSET', key('m', id), 'pk', digits(till))
    point(id)
    return false
  end
  c.fresh[#c.fresh + 1] = {id = id, tag = math.max(c.vt, tonumber(m[PLACE] or '0')), m = m}
  c.pointed[id] = index
  return true
end

local function promote_due(c, indexes)
  local looked = 0
  for _, index in ipairs(indexes) do
    local behind, more = 0, true -- those that rest are no longer among the first
    while more and looked < PROMOTE and #c.fresh < c.want do
      local most = math.min(c.want - #c.fresh, PROMOTE - looked)
      local ready = redis.call('ZRANGE', index, '-inf', soon_text, 'BYSCORE', 'LIMIT', behind, most)
      for _, id in ipairs(ready) do
        behind = behind + (do_to(id, nil, promote, c, index, id) and 1 or 0)
      end
      looked, more = looked + #ready, #ready == most
    end
  end
  table.sort(c.fresh, function(a, b)
    return a.tag < b.tag or (a.tag == b.tag and a.id < b.id)
  end)
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

local function list_of(id, m, k)
  if m[KIND] ~= '1' then
    return ''
  end
  return m[SLICES] == '1' and m[LIST] or redis.call('GET', key('c', id) .. ':' .. k) or ''
end

-- So many of a slice are handed over by the claim itself, and are in doubt where its holder dies: of a source
-- that makes them wait no more, in each shard, than it sends soon.
local function hand_over(c, h, m, size, new)
  local from = rule_of(m)
  if from and from.shard ~= c then
    from.shard, from.head = c, from.heads
  end
  local most = math.min(head_start, size, from and h.mark + from.head or size)
  if most <= h.mark or string.lower(m[SUBTYPE] or '') == ARGV[5] then
    return
  end
  if from then
    from.head = from.head - (most - h.mark)
  end
  h.mark = most
  h.out = new and h.mark or count_out(h)
end

-- new: it has neither a record nor a q
local function take(c, id, m, at, k, due_ms, new)
  local record = not new and redis.call('HGET', key('sl', id), k)
  local size, list = size_of(tonumber(k), tonumber(m[COUNT])), list_of(id, m, k)
  local flags, h = 0
  if size < 1 then
    error('it has no slice ' .. k, 0)
  end
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
  else
    hand_over(c, h, m, size, h.attempt == 1 and not record)
  end
  c.fence = math.max(c.fence + 1, now_us)
  h.holder = struct.pack('>d', c.fence) .. ARGV[6]
  record = write_head(h)
  if not new then
    redis.call('ZREM', key('q', id), k)
  end
  redis.call('HSET', key('sl', id), k, record)
  c.leased[#c.leased + 1] = ends_text
  c.leased[#c.leased + 1] = id .. '/' .. k
  c.leases[#c.leases + 1] = {at, tonumber(k), doubt, ends, due_ms, flags, record, list}
  c.room = c.room - (size - h.ok - h.dead)
  count_taken(c, id, m, size - h.ok - h.dead)
  return true
end

-- ---- the pick ----

local function first_pick(c)
  if c.head == nil then
    local first = redis.call('ZRANGE', act, digits(c.passed), digits(c.passed), 'WITHSCORES')
    c.head = first[1] and {id = first[1], tag = tonumber(first[2])} or false
  end
  local one, head = c.fresh[c.next_fresh], c.head
  if one and (not head or one.tag < head.tag or (one.tag == head.tag and one.id < head.id)) then
    c.next_fresh = c.next_fresh + 1
    return one
  end
  return head
end

local function out_of_act(c, one)
  if one == c.head then
    redis.call('ZREM', act, one.id)
    c.head = nil
  end
end

-- pk: not before; vf: its place in the queue, so that nobody gains by going and coming.
local function leave(c, one, tag, park_ms)
  out_of_act(c, one)
  if first_of(one.id) then
    redis.call('HSET', key('m', one.id), 'vf', exact(tag), 'pk', digits(park_ms))
    c.pointed[one.id] = nil
    point(one.id)
  end
end

-- What of it is due, most slices of it: {slice, due ms, ...}, and whether none was ever claimed.
local function due_of(one, m, most)
  local q = key('q', one.id)
  if m[SLICES] == '1' and redis.call('EXISTS', q, key('sl', one.id)) == 0 then -- it waits without a q
    return m[ST] == '1' and tonumber(m[AT]) <= soon and {'0', m[AT]} or {}, true
  end
  return redis.call('ZRANGE', q, '-inf', soon_text, 'BYSCORE', 'LIMIT', '0', most, 'WITHSCORES'), false
end

-- Of one of which nothing is due after all: perhaps that can't be seen.
local function expect_sound(id)
  local damaged = other_kind(id, '0')
  if damaged then
    error(damaged, 0)
  end
  local record = redis.call('HGET', key('sl', id), '0')
  if record then
    read_head(record)
  end
end

local function take_due(c, one, m, at)
  if (tonumber(m[COUNT]) or 0) < 1 then
    error('n is no number of destinations', 0)
  end
  local paced = rule_of(m)
  local most = math.min(paced and 1 or quantum, c.want - #c.leases)
  local found, new = due_of(one, m, most)
  local taken, used, single = #found / 2, 0, m[SLICES] == '1'
  if taken == 0 then
    expect_sound(one.id)
  end
  if taken > 0 and not at then
    at = #c.messages
    c.places[one.id] = at
    c.messages[at + 1] = {id = one.id, fields = m}
  end
  for i = 1, #found, 2 do
    if c.room > 0 then
      local k = found[i]
      if do_to(one.id, not single and k or nil, take, c, one.id, m, at, k, tonumber(found[i + 1]), new) then
        used = used + 1
      elseif single then
        return false -- all of it is put aside
      end
    end
  end
  c.vt = math.max(c.vt, one.tag)
  local tag = one.tag + used / tonumber(m[WEIGHT] or '1')
  if used == 1 and single then
    out_of_act(c, one) -- that was all of it
  elseif taken < most then
    leave(c, one, tag, 0)
  else
    redis.call('ZADD', act, exact(tag), one.id)
    c.head = nil
  end
  return true
end

local function pick_one(c, one)
  local at = c.places[one.id]
  local m = at and c.messages[at + 1].fields or one.m or read(one.id)
  if m[ST] ~= '1' and m[ST] ~= '8' then
    out_of_act(c, one)
  elseif m[ST] == '1' and m[PAUSED] then
    leave(c, one, one.tag, 0)
  elseif m[ST] == '1' and m[KIND] == '2' and not calls and not is_begun(one.id) then
    leave(c, one, one.tag, tonumber(m[NOT_BEFORE] or '0'))
  elseif m[NOT_BEFORE] and tonumber(m[NOT_BEFORE]) > soon then -- one who looks further ahead had it
    leave(c, one, one.tag, tonumber(m[NOT_BEFORE]))
  else
    local till = rests(c, one.id, m)
    if till == LEFT and one == c.head then
      c.passed, c.left, c.head = c.passed + 1, true, nil
    elseif till == LEFT then -- there was room for it when it became due
      c.left = true
      leave(c, one, one.tag, tonumber(m[NOT_BEFORE] or '0'))
    elseif till then
      leave(c, one, one.tag, till)
    else
      return take_due(c, one, m, at)
    end
  end
  return true
end

local function pick(c)
  local picks = 0
  while #c.leases < c.want and c.room > 0 and picks < c.want + SKIP do
    picks = picks + 1
    local one = first_pick(c)
    if not one then
      return
    end
    if not do_to(one.id, nil, pick_one, c, one) and one == c.head then
      c.head = nil
    end
  end
end

-- ---- what is written once for all of them ----

-- In this order nothing is lost where one of them is refused: what is leased first, what waits in act
-- before it leaves the others.
local function write(c, indexes)
  local gone, left = {[due] = {}, [dial] = {}}, {}
  if #c.leases > 0 then
    redis.call('ZADD', lease, unpack(c.leased))
    redis.call('HSET', prefix .. 'sh', 'vt', exact(c.vt), 'f', digits(c.fence))
  end
  for i = c.next_fresh, #c.fresh do
    left[#left + 1] = exact(c.fresh[i].tag)
    left[#left + 1] = c.fresh[i].id
  end
  if #left > 0 then
    redis.call('ZADD', act, unpack(left))
    c.head = nil
  end
  for id, index in pairs(c.pointed) do
    table.insert(gone[index], id)
  end
  for _, index in ipairs(indexes) do
    if #gone[index] > 0 then
      redis.call('ZREM', index, unpack(gone[index]))
    end
  end
  for source, last in pairs(c.lines) do
    redis.call('SET', key('line', source), digits(last), 'PX', digits(last - now + 1))
  end
end

-- ---- the answer ----

-- The first that is due later than what this claim has looked at.
local function later_score(index)
  return tonumber(redis.call('ZRANGE', index, '(' .. soon_text, '+inf', 'BYSCORE', 'LIMIT', '0', '1', 'WITHSCORES')[2])
end

local function next_of(c, indexes)
  if c.head == nil then
    c.head = redis.call('ZCARD', act) > c.passed
  end
  -- What is left to others is not looked at without end, nor what is behind too much of it.
  local look_again = c.left and #c.leases < c.want and now + REST or now
  if #c.over == REAP or (c.head and look_again == now) then
    return now
  end
  local next_ms, score = c.first_lease or math.huge, c.left and later_score or first_score
  if c.left then
    next_ms = math.min(next_ms, look_again)
  end
  if #c.leases > 0 then
    next_ms = math.min(next_ms, ends)
  end
  for _, index in ipairs(indexes) do
    next_ms = math.min(next_ms, (score(index) or math.huge) - ahead)
  end
  return next_ms == math.huge and 0 or math.max(next_ms, now)
end

local function claim(room)
  local c = {want = want, room = room, fresh = {}, next_fresh = 1, pointed = {}, messages = {},
    places = {}, leases = {}, leased = {}, took = {}, lines = {}, passed = 0}
  aside = {}
  reap(c)
  local full = redis.call('XLEN', outbox) >= tonumber(ARGV[7])
  if full then
    c.want = 0
  end
  local known = redis.call('HMGET', prefix .. 'sh', 'vt', 'f')
  c.vt, c.fence = tonumber(known[1] or '0'), tonumber(known[2] or '0')
  local indexes = calls and {due, dial} or {due}
  promote_due(c, indexes)
  local whole, why = pcall(pick, c)
  write(c, indexes)
  if not whole and #c.leases == 0 then
    error(why, 0)
  elseif not whole then -- what was taken is the asker's
    aside[#aside + 1] = {'', -1, type(why) == 'table' and why.err or tostring(why)}
  end
  local next_ms, shown = next_of(c, indexes), {}
  for i, message in ipairs(c.messages) do
    local m = message.fields
    m[PLACE], m[LIST] = nil, nil
    for _, value in ipairs(m[KIND] == '2' and redis.call('HMGET', key('m', message.id), unpack(OF_CALL)) or {}) do
      m[#m + 1] = value
    end
    table.insert(m, 1, message.id)
    shown[i] = m
  end
  return {now, next_ms, full and 1 or 0, shown, c.leases, aside}
end

local answers = {}
for i = 1, #KEYS do
  answers[i] = in_shard(i, claim, tonumber(ARGV[rooms + i]))
end
return answers
