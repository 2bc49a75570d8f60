-- The last look before one recipient is handed to a gateway: consent and gap. What goes is noted
-- beside the consent until it has ended, so that a withdrawal finds it (consent.lua). A gap that the
-- same holder has reserved for the same is its own, and begins anew.
--
-- KEYS: 1 consent  2 hand:<usage>_<number>  3 gaps:<number>
-- ARGV: 1 field of the consent, '' where none is asked for  2 "1": without one it can't go, either
--       3 gap, ms, 0: none, "back": it was not sent, its reservation goes
--       4 what goes: "<message>/<destination>"  5 its note goes after, ms  6 its holder  7 its sender
-- Gives {"1", "0", or "" for none: the consent, how long the gap is still, ms}; of "back" nothing.
local name, sender = ARGV[4] .. '/' .. ARGV[6], ARGV[7]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- How long still, for how long in all, ms, and by whom.
local function reserved()
  local till, long, who = string.match(redis.call('HGET', KEYS[3], sender) or '', '^(%d+)/(%d+)/(.*)$')
  return tonumber(till or '0') - now, tonumber(long), who
end

local function reserve(long, who)
  redis.call('HSET', KEYS[3], sender, string.format('%.0f/%d/', now + long, long) .. who)
  if redis.call('PTTL', KEYS[3]) < long then -- of all its senders the last one's end
    redis.call('PEXPIRE', KEYS[3], long)
  end
end

if ARGV[3] == 'back' then
  local _, _, who = reserved()
  return who == name and redis.call('HDEL', KEYS[3], sender)
end
local consent, gap = '', tonumber(ARGV[3])
if ARGV[1] ~= '' then
  consent = string.sub(redis.call('HGET', KEYS[1], ARGV[1]) or '', 1, 1)
end
if consent == '0' or (consent == '' and ARGV[2] == '1') then
  return {consent, 0}
end
if gap > 0 then
  local left, long, who = reserved()
  if left > 0 and who ~= name then
    if left > long then -- the clock was set back behind its beginning
      left = long
      reserve(long, who)
    end
    return {consent, left}
  end
  reserve(gap, name)
end
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[4], '')
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return {consent, 0}
