-- The last look before one recipient is handed to a gateway: consent and gap. What goes is noted
-- beside the consent until it has ended, so that a withdrawal finds it (consent.lua). A gap that the
-- same holder has reserved for the same is its own, and begins anew.
--
-- KEYS: 1 consent  2 hand:<usage>_<number>  3 gap:<number>
-- ARGV: 1 field of the consent, '' where none is asked for  2 "1": without one it can't go, either
--       3 gap, ms, 0: none, "back": it was not sent, its reservation goes
--       4 what goes: "<message>/<destination>"  5 its note goes after, ms  6 its holder
-- Gives {"1", "0", or "" for none: the consent, how long the gap is still, ms}; of "back" nothing.
local name = ARGV[4] .. '/' .. ARGV[6]

-- For how long, ms, and by whom.
local function reserved()
  return string.match(redis.call('GET', KEYS[3]) or '', '^(%d+)/(.*)$')
end

if ARGV[3] == 'back' then
  local _, who = reserved()
  return who == name and redis.call('DEL', KEYS[3])
end
local consent = ''
if ARGV[1] ~= '' then
  consent = string.sub(redis.call('HGET', KEYS[1], ARGV[1]) or '', 1, 1)
end
if consent == '0' or (consent == '' and ARGV[2] == '1') then
  return {consent, 0}
end
local gap = ARGV[3] .. '/' .. name
if ARGV[3] ~= '0' and not redis.call('SET', KEYS[3], gap, 'NX', 'PX', ARGV[3]) then
  local long, who = reserved()
  if who ~= name then
    local left = redis.call('PTTL', KEYS[3])
    if long and left > tonumber(long) then -- the clock was set back behind its beginning
      left = tonumber(long)
      redis.call('PEXPIRE', KEYS[3], long)
    end
    return {consent, math.max(left, 1)}
  end
  redis.call('SET', KEYS[3], gap, 'PX', ARGV[3])
end
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[4], '')
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return {consent, 0}
