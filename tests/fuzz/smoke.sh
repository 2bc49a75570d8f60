#!/usr/bin/env bash
# Runs one fuzz target for a while, from its seeds; what it finds goes beside the program, not into
# the tree.
set -euo pipefail
program=$1
seconds=$2
here=$(dirname "$0")
name=$(basename "$program")
name=${name#fuzz_}
found=$program.found
mkdir -p "$found"
more=()
[ ! -e "$here/$name.dict" ] || more+=("-dict=$here/$name.dict")
[ ! -d "$here/corpus/$name" ] || seeds=$here/corpus/$name
exec "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
  -print_final_stats=1 "-artifact_prefix=$found/" "${more[@]}" "$found" ${seeds:+"$seeds"}
