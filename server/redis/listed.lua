-- Reads a part of a list in pages (paged.lua).
--
-- ARGV: 1 its name in the shard  2 above, or ''  3 below, or ''  4 "1": from its end  5 so many
-- Gives the members strictly between the two, in order.
local name, above, below = KEYS[1] .. ARGV[1], ARGV[2], ARGV[3]
local down, most = ARGV[4] == '1', tonumber(ARGV[5])
local min = above == '' and '-' or '(' .. above
local max = below == '' and '+' or '(' .. below
local found = {}

local function range(of, from, to, count)
  if down then
    return redis.call('ZRANGE', of, to, from, 'BYLEX', 'REV', 'LIMIT', 0, count)
  end
  return redis.call('ZRANGE', of, from, to, 'BYLEX', 'LIMIT', 0, count)
end

local function first_label()
  if not down then
    return above ~= '' and label_of(name, above) or redis.call('ZRANGE', name, 0, 0)[1]
  end
  return range(name, '-', max, 1)[1]
end

local function next_label(label)
  if not down then
    return range(name, '(' .. label, max, 1)[1]
  end
  if above ~= '' and redis.call('ZLEXCOUNT', name .. ':' .. label, '-', '[' .. above) > 0 then
    return nil -- all that follow are lower
  end
  return range(name, '-', '(' .. label, 1)[1]
end

local label = first_label()
while label and #found < most do
  for _, member in ipairs(range(name .. ':' .. label, min, max, most - #found)) do
    found[#found + 1] = member
  end
  label = next_label(label)
end
return found
