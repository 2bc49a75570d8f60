#!/usr/bin/env bash
# For what runs servers of its own to source: a setting of the environment counts before that of a file, and
# may name an operator's Kafka or Redis. What only the tests read stays.
dropped=
for setting in ${!CMIBRIDGE_@}; do
  case ${setting#CMIBRIDGE_} in
  BIN | BUILD | SOURCE | LONG | SEED | TEST_* | RIG_XML | FAULT_POINT | CLOCK_SHIFT) ;;
  *) unset "$setting" && dropped+=" $setting" ;;
  esac
done
[ -z "$dropped" ] || echo "settings of the environment are not used here:$dropped" >&2
