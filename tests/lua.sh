#!/usr/bin/env bash
# luacheck over the scripts in server/redis, each behind what stands before it when Redis runs it
# (server/scripts.c, bridge/io/redis_schedule_scripts.c).
set -euo pipefail
cd "$(dirname "$0")/../server/redis"
bad=0
options=(--no-config --codes --formatter plain --no-max-line-length
  --std lua51 --read-globals redis cjson cmsgpack struct bit KEYS ARGV)

check() { # SCRIPT [BEFORE IT...]: what is said of the first of them
  local found status=0
  found=$(cat "${@:2}" "$1" | luacheck - "${options[@]}" --filename "$1") || status=$?
  [ $status -le 2 ] || { echo "luacheck can't look at $1 (it ends with $status)" && bad=1 && return; }
  [ $status -ne 1 ] || found=$(awk -F : -v OFS=: -v before="$(cat "${@:2}" /dev/null | wc -l)" \
    '$2 > before { $2 -= before; print }' <<<"$found")
  [ $status -eq 0 ] || [ -z "$found" ] || { echo "$found" && bad=1; }
}

for script in *.lua; do
  case $script in
  schedule.lua | paged.lua) # what it names is there for those behind it
    (options+=(--ignore 211) && check "$script" && exit $bad) || bad=1
    ;;
  fsck.lua) check "$script" schedule.lua paged.lua ;;
  effect.lua | purge.lua | listed.lua) check "$script" paged.lua ;;
  claim.lua | settle.lua | call.lua | back.lua | outbox.lua | receipt.lua | pause.lua | aside.lua | spoilt.lua)
    check "$script" schedule.lua
    ;;
  *) check "$script" ;;
  esac
done
exit $bad
