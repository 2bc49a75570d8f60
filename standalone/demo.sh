#!/usr/bin/env bash
# ./dev demo: everything once, on one machine, in a directory that goes away.
# usage: demo.sh CMIBRIDGE DIR
set -euo pipefail
# shellcheck source=standalone/drop_settings.sh
. "$(dirname "$0")/drop_settings.sh"
cmibridge=$(realpath "$1")
dir=$(realpath "$2")
events=$(dirname "$(realpath "$0")")/../tests/golden/demo-events.jsonl
say() { printf '\n== %s\n' "$*"; }
ask() { curl --silent --show-error --fail --noproxy '*' "$@"; } # it is on this machine, whatever the environment's proxy

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
  ask "$cmi$path"
  echo
done

say "Messages and callbacks go out when they are due, to a pretend carrier; what comes of them"
post() { ask -H 'Content-Type: application/json' -d "$2" "$cmi$1"; }
soon=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%S.000Z)
whatsapp='"source":"12345678@whatsapp.social365.com","subType":"whatsapp"'
printf 'A campaign to four: one number is refused (…0000), one unavailable at first (…0503): that one is
tried again a minute later, the least that the interface allows.\n'
post /messages '{"message":"Your ferry leaves at 17:45","source":"12345678@sms.social365.com",
  "subType":"sms","maxRetryCount":2,"retryDelay":60,"destinations":[{"address":"+358401230001"},
  {"address":"+358401230000"},{"address":"+358401230503"},{"address":"+358401230002"}]}' >/dev/null
printf 'A WhatsApp template to two at %s; one withdraws the consent before that.\n' "${soon:11:8}"
template='{\"template_id\":\"buttons_appt\",\"language_code\":\"en\",\"parameters\":{\"body[1]text\":\"Sam\"}}'
post /messages '{"message":"'"$template"'","contentType":"template",'"$whatsapp"',
  "sendTime":"'"$soon"'","destinations":[{"address":"+358401230003"},{"address":"+358401230004"}]}' >/dev/null
post /customerConsents '{"address":"+358401230004","usage":"whatsapp","consent":false}'
printf 'A callback: the first call finds the line busy.\n\n'
post /callbacks '{"callbackQueueNumber":"153","customerNumber":"+358401230005",
  "nextCallTime":"'"$soon"'"}' >/dev/null
# 6 of the campaign, 3 of the template, 2 of the callback, 4 that were delivered; of the events above,
# the message that was cancelled and the callback that was put off.
"$cmibridge" outcomes "$dir/dev" 17

say "Done; ending everything. ./dev up starts it again, and it stays"
trap - EXIT
kill -TERM "$dev"
wait "$dev"
