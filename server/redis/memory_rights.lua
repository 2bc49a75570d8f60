#!lua flags=no-writes
-- Which commands of the references and of the ledger (bridge/io/redis_memory.c) the user of this
-- connection may not run, by the server's access control lists. It changes nothing.
--
-- Gives their names; none where Redis can't say.
local EACH = {
  {'DEL', 'cmi:led:0'}, {'EVALSHA', '0', '1', 'cmi:led:0', 'b'}, {'GET', 'cmi:led:0'},
  {'GETEX', 'cmi:ref:callbacks:0', 'PX', '1'}, {'SET', 'cmi:ref:callbacks:0', '0', 'GET', 'PX', '1'},
}
local missing = {}
for _, command in ipairs(EACH) do
  local known, may = pcall(redis.acl_check_cmd, unpack(command))
  if known and not may then
    missing[#missing + 1] = command[1]
  end
end
return missing
