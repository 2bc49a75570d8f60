#!/usr/bin/env bash
# clang-tidy and cppcheck over every translation unit that a compile database of clang's names.
set -euo pipefail
database=$1
cd "$(dirname "$0")/.."
bad=0
folders='bridge|config|consumers|producers|server|standalone|tests' # not what is generated
run-clang-tidy-14 -quiet -p "$database" -j "$(nproc)" "^$PWD/($folders)/.*" \
  >"$database/clang-tidy.log" 2>"$database/clang-tidy.err" || bad=1
grep -v 'clang-tidy-14 ' "$database/clang-tidy.log" | grep -v '^$' || true
cppcheck --project="$database/compile_commands.json" --quiet --inline-suppr --error-exitcode=1 \
  --enable=warning,style,performance,portability -j "$(nproc)" --suppressions-list=tests/cppcheck.txt || bad=1
exit $bad
