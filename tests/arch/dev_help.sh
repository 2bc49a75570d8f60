#!/usr/bin/env bash
# ./dev COMMAND --help says what there is, and does nothing else; so does what takes no argument, of one.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

for program in bash dirname cat; do # nothing that could be run by it
  ln -s "$(command -v "$program")" "$bin/$program"
done
usage=$(PATH=$bin ./dev help)
while read -r command _; do
  for ask in --help -h; do
    [ "$(PATH=$bin ./dev "$command" "$ask" 2>&1)" = "$usage" ] || {
      echo "./dev $command $ask does not show the usage"
      exit 1
    }
  done
done < <(awk '/^  [a-z]/ { print $1 }' <<<"$usage")
[ "$(PATH=$bin ./dev test -R x --help 2>&1)" = "$usage" ] || { echo "./dev test -R x --help runs"; exit 1; }

# libFuzzer takes 0 for ever.
for seconds in 0 -1 1s ""; do
  status=0
  said=$(PATH=$bin ./dev fuzz "$seconds" 2>&1) || status=$?
  [ "$status $said" = "2 ./dev fuzz takes seconds, 1 or more: '$seconds'" ] || {
    echo "./dev fuzz '$seconds' ends with $status: $said"
    exit 1
  }
done

for command in setup build demo lint package clean help; do
  status=0
  said=$(PATH=$bin ./dev "$command" --all 2>&1) || status=$?
  [ "$status $said" = "2 ./dev $command takes no argument: --all" ] || {
    echo "./dev $command --all ends with $status: $said"
    exit 1
  }
done
