#!/usr/bin/env bash
# Puts the jars of the Apache Kafka that pom.xml names into .cache/kafka/VERSION, once, and prints
# that folder. Where they can't be had: exit 77 and a line that says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

patience=300 # seconds that Maven may take, or another fetch before this one

skip() {
  echo "skipped: $*"
  exit 77
}

version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' tests/kafka/pom.xml)
cache=$PWD/.cache/kafka
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -w $patience 9 || skip "another process is fetching Apache Kafka, and does not end"
if [ ! -d "$cache/$version" ]; then
  for program in java mvn; do
    command -v $program >/dev/null || skip "Apache Kafka needs $program, which is not installed"
  done
  rm -rf "$cache/fetching"
  timeout $patience mvn -q -B -f tests/kafka/pom.xml dependency:copy-dependencies \
    "-Dout=$cache/fetching" >"$cache/log" 2>&1 ||
    skip "Maven could not fetch Apache Kafka $version: $(grep -m1 ERROR "$cache/log" || echo 'it took too long')"
  mv "$cache/fetching" "$cache/$version"
fi
command -v java >/dev/null || skip "Apache Kafka needs java, which is not installed"
echo "$cache/$version"
