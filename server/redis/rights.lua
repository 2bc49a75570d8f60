#!lua flags=no-writes
-- Which commands of the schedule's scripts (all that lie beside this one) the user of this connection
-- may not run, by the server's access control lists. It changes nothing.
--
-- Gives their names; none where Redis can't say.
local EACH = {
  {'APPEND', 's:{00}:o:0:0', ''}, {'DEL', 's:{00}:q:0'}, {'EXISTS', 's:{00}:q:0'},
  {'GET', 's:{00}:outr'}, {'HDEL', 's:{00}:m:0', 'pz'}, {'HGET', 's:{00}:m:0', 'st'},
  {'HGETALL', 's:{00}:m:0'}, {'HINCRBY', 's:{00}:m:0', 'ver', '1'}, {'HKEYS', 's:{00}:hand:0'},
  {'HMGET', 's:{00}:m:0', 'st'}, {'HSET', 's:{00}:m:0', 'st', '1'}, {'HSETNX', 's:{00}:m:0', 'st', '1'},
  {'HSCAN', 's:{00}:aside', '0'},
  {'PERSIST', 's:{00}:c:0:0'}, {'PEXPIRE', 's:{00}:gate:0', '1'}, {'PTTL', 's:{00}:gaps:0'},
  {'PUBLISH', 'w:{00}', '1'}, {'RENAME', 's:{00}:t:0:0:0', 's:{00}:c:0:0'}, {'SET', 's:{00}:outr', ''},
  {'TIME'}, {'TYPE', 's:{00}:m:0'}, {'UNLINK', 's:{00}:c:0:0'}, {'XADD', 's:{00}:out', '*', 't', ''}, {'XDEL', 's:{00}:out', '0-1'},
  {'XLEN', 's:{00}:out'}, {'XRANGE', 's:{00}:out', '-', '+'}, {'ZADD', 's:{00}:due', '1', '0'},
  {'ZCARD', 's:{00}:messages'}, {'ZLEXCOUNT', 's:{00}:messages', '-', '+'},
  {'ZRANGE', 's:{00}:due', '0', '0'}, {'ZREM', 's:{00}:due', '0'}, {'ZSCAN', 's:{00}:lease', '0'},
  {'ZSCORE', 's:{00}:act', '0'}, {'EVALSHA', '0', '0'},
}
local missing = {}
for _, command in ipairs(EACH) do
  local known, may = pcall(redis.acl_check_cmd, unpack(command))
  if known and not may then
    missing[#missing + 1] = command[1]
  end
end
return missing
