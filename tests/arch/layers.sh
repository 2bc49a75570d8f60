#!/usr/bin/env bash
# Holds the rings: core <- ports <- {run, io} <- programs (docs/ARCHITECTURE.md).
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
refuse() { # FOLDER PATTERN WHY: no include line in FOLDER may match PATTERN
  local found
  found=$(grep -rnE "^ *# *include +[<\"]($2)" "$1" --include='*.c' --include='*.h' || true)
  if [ -n "$found" ]; then
    printf '%s\n  %s\n' "$found" "$3"
    bad=1
  fi
}
only_in() { # HEADER-PATTERN FILE...: a third-party header only in the files named for it
  local pattern=$1 found
  shift
  found=$(grep -rlE "^ *# *include +<($pattern)" bridge consumers producers server config standalone \
    --include='*.c' --include='*.h' || true)
  for file in $found; do
    case " $* " in
    *" $file "*) ;;
    *)
      echo "$file includes <$pattern>; only these may: $*"
      bad=1
      ;;
    esac
  done
}
refuse bridge/core 'bridge/(ports|io|run)|consumers|producers|server|config|standalone' 'core includes core only'
# The machine's own headers, and each library's that third_party.txt names.
outside="time|unistd|fcntl|errno|signal|poll|spawn|pthread|locale|sys/|net|arpa|uv|jemalloc"
outside="$outside|$(cut -d ' ' -f 1 tests/arch/third_party.txt | paste -sd '|')"
refuse bridge/core "$outside" 'core is pure'
refuse bridge/ports "$outside" 'ports declare, and do nothing'
refuse bridge/run "$outside" 'run knows the world by its ports only, so that it runs in virtual time'
refuse bridge/ports 'bridge/(io|run)|consumers|producers|server|config|standalone' 'ports include core only'
refuse bridge/run 'bridge/io|consumers|producers|server|config|standalone' 'run never includes io'
refuse bridge/io 'bridge/run|consumers|producers|server|config|standalone' 'io never includes run or programs'
refuse config 'bridge/(run|io)|consumers|producers|server|standalone' 'config includes core only'
# A third-party library has its files; nothing else sees its types.
# The second word and those after it are a list.
# shellcheck disable=SC2086
while read -r pattern files; do [ -z "$pattern" ] || only_in "$pattern" $files; done <tests/arch/third_party.txt
exit $bad
