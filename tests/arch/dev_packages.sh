#!/usr/bin/env bash
# ./dev and what it needs. Where no Debian package can be asked for, what is there is enough, and only what
# is missing is named. On Debian what is missing is installed, once, by root or through sudo, and no service
# starts meanwhile; all of apt is pretended here.
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

# ---- on Debian ----

log=$bin/said
here=$bin/installed # the packages that there are

pretend() { # PROGRAM LINE...: it tells the log that it was called, and does what the lines say
  local program=$1
  shift
  rm -f "$bin/$program"
  printf '%s\n' '#!/bin/bash' "echo \"$program \$*\" >>$log" "$@" >"$bin/$program"
  chmod 755 "$bin/$program"
}
ln -s "$(command -v env)" "$(command -v grep)" "$bin/"
# shellcheck disable=SC2016
{
  printf '%s\n' '#!/bin/bash' "grep -qx -- \"\$3\" $here && echo install ok installed" >"$bin/dpkg-query"
  pretend apt-get "[ \$1 != install ] || for word; do case \$word in -* | install) ;; *) echo \$word >>$here ;; esac; done"
  pretend id 'echo 1000'
  pretend tee 'cat >/dev/null'
}
chmod 755 "$bin/dpkg-query"
pretend chmod
pretend rm

needed="librdkafka-dev redis-server curl"
build_packages='' run_packages=''
eval "$(sed -n "/^build_packages=/,/\"$/p; /^run_packages=/p" dev)"
all="$build_packages $run_packages"
lack() { # PACKAGE...: all but these are installed
  local package
  : >"$log"
  for package in $all; do
    case " $* " in *" $package "*) ;; *) echo "$package" ;; esac
  done >"$here"
}

# shellcheck disable=SC2086
lack $needed
if said=$(PATH=$bin ./dev setup 2>/dev/null); then
  echo "./dev setup installs without a right to"
  exit 1
fi
[ "$said" = "apt-get install $needed" ] || { echo "without sudo ./dev setup says: $said"; exit 1; }
! grep -q apt-get "$log" || { echo "apt-get is called without a right to"; exit 1; }

expected=$(
  [ -e /usr/sbin/policy-rc.d ] || printf '%s\n' "sudo tee /usr/sbin/policy-rc.d" "tee /usr/sbin/policy-rc.d" \
    "sudo chmod 755 /usr/sbin/policy-rc.d" "chmod 755 /usr/sbin/policy-rc.d"
  echo "sudo apt-get update -qq"
  echo "apt-get update -qq"
  install="apt-get install -y -qq --no-install-recommends $needed"
  echo "sudo env DEBIAN_FRONTEND=noninteractive $install"
  echo "$install"
  [ -e /usr/sbin/policy-rc.d ] || printf '%s\n' "sudo rm -f /usr/sbin/policy-rc.d" "rm -f /usr/sbin/policy-rc.d"
)
# shellcheck disable=SC2016
pretend sudo 'exec "$@"'
PATH=$bin ./dev setup 2>/dev/null || { echo "./dev setup fails"; exit 1; }
[ "$(grep -v '^id ' "$log")" = "$expected" ] || { echo "./dev setup did:"; cat "$log"; exit 1; }
: >"$log"
PATH=$bin ./dev setup 2>/dev/null || { echo "./dev setup fails the second time"; exit 1; }
[ ! -s "$log" ] || { echo "./dev setup did, with everything there:"; cat "$log"; exit 1; }

lack librdkafka-dev
pretend apt-get 'exit 100'
if PATH=$bin ./dev setup 2>/dev/null; then
  echo "./dev setup passes where apt-get fails"
  exit 1
fi
[ -e /usr/sbin/policy-rc.d ] || [ "$(tail -n 1 "$log")" = "rm -f /usr/sbin/policy-rc.d" ] || {
  echo "where apt-get fails services stay forbidden:"
  cat "$log"
  exit 1
}
