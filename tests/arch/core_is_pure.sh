#!/usr/bin/env bash
# The core calls no clock, socket, file or allocator: what its objects need from outside is on a list.
set -euo pipefail
build=$1
library=$build/libcmibridge_core.a
case $(nm "$library" 2>/dev/null) in
*__asan_* | *__tsan_* | *__gcov_* | *__sanitizer*)
  echo "skipped: an instrumented build calls its own runtime"
  exit 77
  ;;
esac
plain='memcpy|memmove|memset|memcmp|memchr|strlen|strcmp|strncmp|strchr|bsearch|qsort|snprintf|__snprintf_chk|__memcpy_chk|__memmove_chk|__memset_chk|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_'
bad=0
defined=$(nm --defined-only "$library" | awk 'NF==3 {print $3}' | sort -u)
while read -r object symbol; do
  grep -qxF "$symbol" <<<"$defined" && continue
  case $object in
  mem.c.o) allowed="$plain|malloc|calloc|realloc|free|abort|fprintf|__fprintf_chk|stderr" ;;
  fault.c.o | buf.c.o) allowed="$plain|vsnprintf|__vsnprintf_chk" ;;
  *) allowed=$plain ;;
  esac
  if ! [[ $symbol =~ ^($allowed)$ ]]; then
    echo "$object calls $symbol"
    bad=1
  fi
done < <(nm -A --undefined-only "$library" | sed -E 's/^[^:]*:([^:]*): +U (.*)$/\1 \2/')
exit $bad
