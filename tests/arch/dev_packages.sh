#!/usr/bin/env bash
# ./dev where no Debian package can be asked for: what is there is enough, and only what is missing is
# named.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

for program in bash dirname id sleep rm mktemp cat; do
  ln -s "$(command -v "$program")" "$bin/$program"
done
for program in cmake ninja cc pkg-config git; do # they do nothing, well
  printf '#!/bin/sh\nexit 0\n' >"$bin/$program"
  chmod 755 "$bin/$program"
done

PATH=$bin ./dev build >/dev/null 2>&1 || {
  echo "./dev build refuses to begin with everything there"
  exit 1
}
# shellcheck disable=SC2016 # it is the script's own
printf '#!/bin/sh\n[ "$2" != rdkafka ]\n' >"$bin/pkg-config"
rm "$bin/ninja"
if said=$(PATH=$bin ./dev build 2>/dev/null); then
  echo "./dev build begins without librdkafka and ninja"
  exit 1
fi
[ "$said" = "apt-get install ninja-build librdkafka-dev" ] || {
  echo "./dev build says: $said"
  exit 1
}
