-- A list in order, in pages; it stands in front of the scripts that use one. `name` is a zset of the
-- pages' labels; "name:label" is the page, a zset small enough for Redis to keep it packed: a member
-- takes a third of what it takes in one large zset. A page has what is not less than its label and
-- less than the next one. All scores are 0. (Compared by Redis, byte by byte: Lua would do it by the
-- locale.)
local PAGE = 120

local function label_of(name, member)
  return redis.call('ZRANGE', name, '[' .. member, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
end

-- The label of the page that a new member belongs to; '' where one begins with it.
local function place_for(name, member)
  local label = label_of(name, member)
  if not label then
    local first = redis.call('ZRANGE', name, 0, 0)[1]
    if not first then
      return ''
    end
    redis.call('ZREM', name, first)
    redis.call('ZADD', name, 0, member)
    redis.call('RENAME', name .. ':' .. first, name .. ':' .. member)
    label = member
  end
  local page = name .. ':' .. label
  if redis.call('ZCARD', page) < PAGE then
    return label
  end
  if redis.call('ZLEXCOUNT', page, '[' .. member, '+') == 0 then
    return '' -- what comes in order fills its pages
  end
  local upper = redis.call('ZRANGE', page, PAGE / 2, -1)
  redis.call('ZADD', name, 0, upper[1])
  for _, moved in ipairs(upper) do
    redis.call('ZADD', name .. ':' .. upper[1], 0, moved)
  end
  redis.call('ZREM', page, unpack(upper))
  return label_of(name, member)
end

local function paged_add(name, member)
  local label = place_for(name, member)
  if label == '' then
    label = member
    redis.call('ZADD', name, 0, label)
  end
  redis.call('ZADD', name .. ':' .. label, 0, member)
end

local function paged_remove(name, member)
  local label = label_of(name, member)
  local page = label and name .. ':' .. label
  if page and redis.call('ZREM', page, member) == 1 and redis.call('EXISTS', page) == 0 then
    redis.call('ZREM', name, label)
  end
end

local function paged_has(name, member)
  local label = label_of(name, member)
  return label and redis.call('ZSCORE', name .. ':' .. label, member)
end
