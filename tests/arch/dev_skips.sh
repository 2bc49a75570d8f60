#!/usr/bin/env bash
# ./dev test tells what was skipped, whole tests and cases inside others, with reason and count, in front of
# ctest's closing lines, which stay the last.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bin=$dir/bin
mkdir -p "$bin" "$dir/standalone" "$dir/tests/kafka" "$dir/build/Testing/Temporary"
cp dev "$dir"
cp standalone/drop_settings.sh "$dir/standalone"

for program in bash dirname id sleep rm mktemp cat awk mv nproc; do
  ln -s "$(command -v "$program")" "$bin/$program"
done
nothing() { # FILE...: does nothing, well
  local file
  for file in "$@"; do
    printf '#!/bin/sh\nexit 0\n' >"$file"
    chmod 755 "$file"
  done
}
nothing "$dir/tests/kafka/fetch.sh"
for program in cmake ninja cc pkg-config git redis-server curl clang-14 clang-format-14 pgrep java mvn \
  bearerbox; do
  nothing "$bin/$program"
done
cat >"$bin/ctest" <<'END'
#!/usr/bin/env bash
cat <<LINES
    Start 1: unit/a
1/4 Test #1: unit/a ...........................***Skipped   0.01 sec
2/4 Test #2: unit/b ...........................   Passed    0.01 sec
3/4 Test #3: arch/c ...........................***Skipped   0.01 sec
4/4 Test #4: unit/d ...........................   Passed    0.01 sec

100% tests passed, 0 tests failed out of 4

Total Test time (real) =   0.04 sec
LINES
cat >build/Testing/Temporary/whole <<LOG
1/4 Testing: unit/a
[ RUN      ] first
skipped: no redis
Test time =   0.01 sec
4/4 Testing: unit/d
[ RUN      ] some
skipped: no terminal
[  SKIPPED ] some
[ RUN      ] more
[       OK ] more
[ RUN      ] others
[  SKIPPED ] others
[  PASSED  ] 1 test(s).
[  SKIPPED ] 2 test(s), listed below:
[  SKIPPED ] some
[  SKIPPED ] others
2/4 Testing: unit/b
[ RUN      ] first
[       OK ] first
3/4 Testing: arch/c
skipped: it can not be
LOG
mv build/Testing/Temporary/whole build/Testing/Temporary/LastTest.log # as ctest does, at its end
END
chmod 755 "$bin/ctest"
printf '1/1 Testing: unit/x\n[ RUN      ] x\nskipped: of another run\n[  SKIPPED ] x\n' \
  >"$dir/build/Testing/Temporary/LastTest.log"

wanted='
SKIPPED: 2 tests, and 2 cases of others
  unit/a: no redis
  arch/c: it can not be
  unit/d, some: no terminal
  unit/d, others: it does not say why

100% tests passed, 0 tests failed out of 4

Total Test time (real) =   0.04 sec'
said=$(PATH=$bin "$dir/dev" test 2>/dev/null) || { echo "./dev test fails: $said"; exit 1; }
[ "${said#*unit/d ...........................   Passed    0.01 sec$'\n\n'}" = "${wanted#$'\n'}" ] || {
  echo "./dev test says: $said"
  exit 1
}
