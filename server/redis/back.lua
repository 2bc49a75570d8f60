-- A call's request has come back and brought no result: the call is open, and nothing waits for its
-- request any more.
--
-- ARGV: 1 id  2 record
request_back(ARGV[1], string.sub(ARGV[2], 19, 34))
return 'done'
