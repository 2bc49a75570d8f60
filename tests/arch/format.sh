#!/usr/bin/env bash
# No unformatted file, no banned function, no over-long file.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t files < <(git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ -e "$f" ] && echo "$f"; done)
bad=0
if command -v clang-format-14 >/dev/null; then
  clang-format-14 --dry-run --Werror "${files[@]}" || bad=1
else
  echo "skipped: clang-format-14 is not installed (./dev lint installs it)"
  exit 77
fi
if grep -nE '\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gets|atoi|atol|atof|sscanf|scanf|gmtime|localtime|ctime|asctime|alloca)\(' "${files[@]}"; then
  echo "these functions are banned; see CONTRIBUTING.md"
  bad=1
fi
for file in "${files[@]}"; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 700 ]; then
    echo "$file has $lines lines: find the second noun in it"
    bad=1
  fi
done
exit $bad
