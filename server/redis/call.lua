-- A callback's attempt has ended: its state becomes what core/callback_state.h made of it, unless
-- another has put a result on it meanwhile. Where another has only wished for a time while the call's
-- request was out, the result counts and the wished time stays.
--
-- ARGV: 1 id  2 record  3 "1": still open  4 lastResult  5 failures  6 next call, ms  7 last call,
--       ms, '' for none  8 purge, ms after now  9 reason  10 "1": possible duplicate
--       11 "1": by the holder, whose request is not out; else it may be  12 idle calls, '' for none
--       13 its calls' wishes, '' for none
local id, record, open, next_ms = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[6]
local m, holder = key('m', id), string.sub(record, 19, 34)
local f = redis.call('HMGET', m, 'st', 'kind', 'mr', 'created', 'rq', 'rs', 'next')
local stored = redis.call('HGET', key('sl', id), '0')
local live = f[1] == '1' and f[2] == '2'
local held = live and stored and string.sub(stored, 19, 34) == holder
local wished = live and not held and ARGV[11] == '1' and f[5] and string.sub(f[5], -16) == holder
  and not f[6]

if not held and not wished then
  if ARGV[11] == '1' then
    request_back(id, holder)
  end
  return 'fenced'
end
if wished then
  next_ms = f[7]
end
redis.call('XADD', outbox, '*', 't', open and 'called' or 'called-last', 'm', id, 'at', now, 'b',
  ARGV[9], 'r', ARGV[4], 'c', table.concat({ARGV[5], tonumber(f[3]) + 1, next_ms}, ' '), 'd', ARGV[10])
if ARGV[11] == '1' then
  request_back(id, holder)
end

local set, purge = {'last', ARGV[4], 'fail', ARGV[5], 'next', next_ms}, nil

local function put(name, value)
  set[#set + 1], set[#set + 2] = name, value
end

if ARGV[7] ~= '' then
  put('lastcall', ARGV[7])
end
if ARGV[12] ~= '' then
  put('idle', ARGV[12])
end
if ARGV[13] ~= '' then
  put('wishes', ARGV[13])
end
local request = redis.call('HGET', m, 'rq')
local till = open and out_till(request)
if request then -- what it brings is too late
  put('rs', '1')
end
if till then
  put('pk', till)
end
if open then
  put('at', next_ms)
else
  purge = closing(set, ARGV[8])
end
redis.call('HINCRBY', m, 'ver', 1)
redis.call('HSET', m, unpack(set))
redis.call('HDEL', key('sl', id), '0')
redis.call('ZREM', lease, id .. '/0')
if open then
  redis.call('ZADD', key('q', id), next_ms, 0)
  point(id)
else
  redis.call('ZADD', gc, purge, id)
  unlist(id)
  redis.call('ZREM', dial, id)
  redis.call('ZREM', prefix .. 'callbacks', string.format('%016.0f:%s', tonumber(f[4]) or 0, id))
end
return 'done'
