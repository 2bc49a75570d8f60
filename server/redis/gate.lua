-- A gate that all processes share: a source's token bucket and pauses, a channel's stop.
--
-- KEYS: 1 gate:<name>
-- ARGV: 1 "ask"   2 tokens a second, 0: no limit  3 tokens that may gather  4 wanted, 0: only look
--         5 owner  6 of a channel: "works" or "fails", as it does for the asker, or ''
--       1 "shut"  2 for, ms  3 probe each, ms, 0: opens by itself  4 why
--       1 "open"
-- Gives of "ask" {granted, wait ms, stopped, why, lead us, "1": it works for others}, else "done". Tokens
-- are lent: the first of them may be used after lead, the others one after the other at the rate; a
-- negative lead says how many have gathered. A gate unused for a day is forgotten.
local DAY, LATE = 86400000, 100 -- ms; so late may come one that was told to wait
local HEARD = 5000 -- ms; so long it counts what somebody has said of a channel
local LEND = 200 -- ms of the rate, at least one token
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function digits(n)
  return string.format('%.0f', n)
end

if ARGV[1] == 'open' then
  redis.call('HDEL', KEYS[1], 'until', 'probe', 'why')
  return 'done'
end
local g = redis.call('HMGET', KEYS[1], 'tok', 'ts', 'until', 'probe', 'why', 'at')
local ts, shut, probe = tonumber(g[2] or '0'), tonumber(g[3] or '0'), tonumber(g[4] or '0')

-- at: when it was written last. Where the clock was set back behind that, what is stored of it is
-- moved along: a pause lasts as long as was asked for, and tokens gather.
local back = math.max(ts, tonumber(g[6] or '0')) - now
if back > 0 then
  ts = ts - math.min(back, ts)
  shut = shut - math.min(back, shut)
  redis.call('HSET', KEYS[1], 'ts', string.format('%.17g', ts), 'until', digits(shut), 'at', digits(now))
end

if ARGV[1] == 'shut' then
  local till = math.max(shut, math.floor(now) + tonumber(ARGV[2]))
  if ARGV[3] ~= '0' then
    till = math.floor(now) + tonumber(ARGV[3])
    redis.call('HSET', KEYS[1], 'until', digits(till), 'probe', ARGV[3], 'why', ARGV[4], 'at', digits(now))
    redis.call('PERSIST', KEYS[1])
    return 'done'
  end
  if probe == 0 then
    redis.call('HSET', KEYS[1], 'until', digits(till), 'why', ARGV[4], 'at', digits(now))
    redis.call('PEXPIRE', KEYS[1], digits(till - now + DAY))
  end
  return 'done'
end

local function is_heard(at)
  local age = now - tonumber(at or '0')
  return age >= 0 and age < HEARD
end

-- works, fails: when somebody has said so last. That it works is noted only while it fails for another.
local works = 0
if ARGV[6] ~= '' then
  local said = redis.call('HMGET', KEYS[1], 'works', 'fails')
  works = is_heard(said[1]) and 1 or 0
  if ARGV[6] == 'fails' or is_heard(said[2]) then
    redis.call('HSET', KEYS[1], ARGV[6], digits(math.floor(now)))
    if probe == 0 and shut <= now then
      redis.call('PEXPIRE', KEYS[1], DAY)
    end
  end
end

local rate, burst, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if shut > now or want == 0 then
  return {0, math.max(math.ceil(shut - now), 0), probe > 0 and 1 or 0, g[5] or '', 0, works}
end
if probe > 0 then
  redis.call('HSET', KEYS[1], 'until', digits(now + probe), 'at', digits(now))
  return {1, 0, 1, g[5] or '', 0, works}
end
if rate <= 0 then
  return {want, 0, 0, '', 0, works}
end
burst = math.max(burst, 1)
local gathered = math.max(now - ts, 0) * rate / 1000
local tokens = math.min(burst, (tonumber(g[1]) or burst) + gathered)
local lent = tokens + math.max(rate * LEND / 1000, 1)
local granted = math.min(want, math.floor(lent))

-- Of two that wait for the same token the one whose turn it is has it, whoever comes first: had is who
-- got some last, next who was told to wait meanwhile, and counts until nt.
local turn, me = redis.call('HMGET', KEYS[1], 'had', 'next', 'nt'), ARGV[5]
local late = (tonumber(turn[3]) or 0) - now
local waits = turn[1] == me and turn[2] and turn[2] ~= me and late > 0 and late < DAY
if waits then -- one is left to the other
  granted = math.min(granted, math.floor(lent) - 1)
end
if granted < 1 then
  local wait = math.ceil(((waits and 2 or 1) - lent) * 1000 / rate)
  if turn[1] and turn[1] ~= me then
    redis.call('HSET', KEYS[1], 'next', me, 'nt', digits(now + wait + LATE))
  end
  return {0, math.max(wait, 1), 0, '', 0, works}
end
if turn[2] == me then
  redis.call('HDEL', KEYS[1], 'next', 'nt')
end
redis.call('HSET', KEYS[1], 'tok', string.format('%.17g', tokens - granted), 'ts',
  string.format('%.17g', now), 'had', me)
redis.call('PEXPIRE', KEYS[1], DAY)
return {granted, 0, 0, '', math.floor((1 - tokens) * 1000000 / rate), works}
