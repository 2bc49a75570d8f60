-- Puts a slice aside that its claimer can't read (schedule.lua).
--
-- ARGV: 1 id  2 slice  3 why
put_aside(ARGV[1], ARGV[2], ARGV[3])
return 'done'
