#!/usr/bin/env bash
# Every header compiles alone, and names its guard after its path.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
flags=$(pkg-config --cflags rdkafka libcurl hiredis libmicrohttpd libuv sqlite3 2>/dev/null || true)
while read -r header; do
  # shellcheck disable=SC2086
  if ! out=$(echo "#include \"$header\"" | cc -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Wall -Wextra -Werror -I. $flags -x c -fsyntax-only - 2>&1); then
    echo "$header does not compile alone:"
    echo "$out"
    bad=1
  fi
  guard=$(echo "$header" | tr 'a-z/.' 'A-Z__')
  grep -q "^#ifndef $guard$" "$header" || {
    echo "$header: the guard should be $guard"
    bad=1
  }
done < <(git ls-files -co --exclude-standard '*.h')
exit $bad
