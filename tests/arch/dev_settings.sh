#!/usr/bin/env bash
# ./dev demo, up, test, bench and fuzz run without settings of the environment, which may be an operator's.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

for program in bash dirname; do # nothing that could be run by it
  ln -s "$(command -v "$program")" "$bin/$program"
done
export CMIBRIDGE_KAFKA_BROKERS=127.0.0.1:1 CMIBRIDGE_REDIS_PASSWORD=hunter2
export CMIBRIDGE_LONG=1 CMIBRIDGE_SEED=1 CMIBRIDGE_TEST_KAFKA=embedded # the tests' own
dropped="settings of the environment are not used here: CMIBRIDGE_KAFKA_BROKERS CMIBRIDGE_REDIS_PASSWORD"

for command in './dev demo' './dev up' './dev test' './dev bench' './dev fuzz' 'bash bench/run'; do
  # shellcheck disable=SC2086
  said=$(PATH=$bin $command 2>&1 </dev/null) && { echo "$command runs with no program there"; exit 1; }
  [ "${said%%$'\n'*}" = "$dropped" ] || { echo "$command with settings says: $said"; exit 1; }
done
# What comes after it, in the same shell and in what that starts.
# shellcheck disable=SC2016
left=$(bash -c '. standalone/drop_settings.sh 2>/dev/null && bash -c '\''echo ${!CMIBRIDGE_@}'\')
[ "$left" = "CMIBRIDGE_LONG CMIBRIDGE_SEED CMIBRIDGE_TEST_KAFKA" ] || { echo "left are: $left"; exit 1; }
