#!/usr/bin/env bash
# `cmibridge` under valgrind, for the tests that have this as CMIBRIDGE_BIN. What is found makes its exit
# code another; leaks are what nothing points to any more.
exec valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
  --soname-synonyms=somalloc='*jemalloc*' "$CMIBRIDGE_BUILD/cmibridge" "$@"
