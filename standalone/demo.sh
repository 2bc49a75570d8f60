#!/usr/bin/env bash
# ./dev demo: everything once, on one machine, in a directory that goes away.
# usage: demo.sh CMIBRIDGE DIR
set -euo pipefail
cmibridge=$(realpath "$1")
dir=$(realpath "$2")
events=$(dirname "$(realpath "$0")")/../tests/golden/demo-events.jsonl
say() { printf '\n== %s\n' "$*"; }

mkfifo "$dir/says"
# In a session of its own, so that a signal to all of us reaches it once, from the trap; and tethered,
# so that it does not outlive this script.
setsid "$cmibridge" tether $$ "$cmibridge" dev --dir "$dir/dev" --cmi-port 0 >"$dir/says" &
dev=$!
trap 'trap "" INT TERM; kill -TERM "$dev" 2>/dev/null; wait "$dev" || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# dev says where everything is once it is ready, or ends; either ends the waiting.
ready=
exec 3<"$dir/says"
while IFS= read -r line <&3; do
  printf '%s\n' "$line"
  case $line in "Ctrl-C"*) ready=1 && break ;; esac
done
[ -n "$ready" ] || exit 1

say "Events to Kafka, writes to the CMI, results back"
"$cmibridge" publish --config "$dir/dev/cmibridge.yaml" "$events"
"$cmibridge" watch "$dir/dev" "$events"

cmi=$(sed 's/.*"cmi":"\([^"]*\)".*/\1/' "$dir/dev/endpoints.json")
say "The CMI has it. Three to try"
for path in '/callbacks' '/messages?subType=whatsapp' '/contacts/DBEC8B07E3F0E9119E1D0050568C5E24/remarks'; do
  printf '\n$ curl %s\n' "'$cmi$path'"
  curl --silent --show-error --fail "$cmi$path"
  echo
done

say "Done; ending everything. ./dev up starts it again, and it stays"
trap - EXIT
kill -TERM "$dev"
wait "$dev"
